import type { Service } from '../../api/core-v1/types.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/discovery-v1/types.ts'
import { isReadyEndpoint, publishesUnready } from '../../machinery/service-endpoints.ts'

/** One address of a Service that the DNS tells of. */
export interface PublishedEndpoint {
  /** The Pod's hostname, or its address with dashes where it has none (specification 2.4.1 leaves that name to us). */
  readonly label: string
  readonly isNamed: boolean
  readonly address: string
  readonly ports: readonly EndpointPort[]
}

/** A Service with the endpoints that its names stand for. Never changes: a change of the cluster makes another. */
export interface ServiceEntry {
  readonly service: Service
  readonly endpoints: readonly PublishedEndpoint[]
  readonly byLabel: ReadonlyMap<string, readonly PublishedEndpoint[]>
  readonly byAddress: ReadonlyMap<string, readonly PublishedEndpoint[]>
}

export function serviceEntryFrom(service: Service, slices: readonly EndpointSlice[]): ServiceEntry {
  const endpoints = publishedAmong(slices, endpoint => publishesUnready(service) || isReadyEndpoint(endpoint))
  return {
    service,
    endpoints,
    byLabel: Map.groupBy(endpoints, ({ label }) => label),
    byAddress: Map.groupBy(endpoints, ({ address }) => address),
  }
}

function publishedAmong(
  slices: readonly EndpointSlice[],
  isPublished: (endpoint: Endpoint) => boolean,
): PublishedEndpoint[] {
  // Slices are ordered by name so that answers do not depend on the order in which a watch brought them.
  const ordered = [...slices].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  return ordered
    .filter(({ addressType }) => addressType !== 'FQDN')
    .flatMap(slice =>
      (slice.endpoints ?? [])
        .filter(isPublished)
        .flatMap(endpoint => endpoint.addresses.map(address => publishedEndpoint(slice, endpoint, address))),
    )
}

const publishedEndpoint = (slice: EndpointSlice, { hostname }: Endpoint, address: string): PublishedEndpoint => ({
  label: hostname ? hostname.toLowerCase() : dashedAddress(address),
  isNamed: Boolean(hostname),
  address,
  ports: slice.ports ?? [],
})

/** `10-244-0-5`: an address as one label. */
const dashedAddress = (address: string): string => address.replace(/[.:]/g, '-')
