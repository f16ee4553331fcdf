import { clusterAddressesOf, isHeadless } from '../../machinery/service-endpoints.ts'
import { addressBytes } from '../message/address.ts'
import { type DomainName, RecordType, type ResourceRecord } from '../message/message.ts'
import { addressRecord, cnameRecord, srvRecord } from '../message/resource-record.ts'
import type { PublishedEndpoint, ServiceEntry } from './service-entry.ts'

/**
 * How long others may remember an address, in seconds. A Pod that comes back has another address at once, so this is
 * the longest that a caching client can be wrong; 5 s is what resolvers in other clusters see too. Asking again is cheap.
 */
export const CLUSTER_TTL_SECONDS = 5

/** Records of the asked type at a name that exists; none at all means "no data". */
export interface Found {
  readonly answers: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
  /** Set where the name is an alias for this one. */
  readonly alias?: DomainName
}

export const nothing: Found = { answers: [], additional: [] }

const asks = (asked: number, type: number): boolean => asked === type || asked === RecordType.ANY

export const addressesFound = (name: DomainName, asked: number, addresses: Iterable<string>): Found => ({
  ...nothing,
  answers: [...new Set(addresses)].flatMap(address => {
    const record = addressRecord(name, CLUSTER_TTL_SECONDS, address)
    return asks(asked, record.type) ? [record] : []
  }),
})

/** At `service.namespace.svc` (specification 2.3.1, 2.4.1, 2.5). */
export function serviceFound(name: DomainName, asked: number, entry: ServiceEntry): Found {
  const { service, endpoints } = entry
  if (service.spec.type === 'ExternalName') return externalNameFound(name, service.spec.externalName)
  if (asked === RecordType.SRV) return portsFound({ name, serviceName: name, entry })
  const addresses = isHeadless(service) ? endpoints.map(({ address }) => address) : clusterAddressesOf(service)
  return addressesFound(name, asked, addresses)
}

function externalNameFound(name: DomainName, externalName: string | undefined): Found {
  if (!externalName) return nothing
  // Some manifests give an address here. It is no name, but an answer of that address is what they mean.
  if (addressBytes(externalName))
    return { ...nothing, answers: [addressRecord(name, CLUSTER_TTL_SECONDS, externalName)] }
  const alias = externalName.replace(/\.$/, '')
  return { ...nothing, answers: [cnameRecord(name, CLUSTER_TTL_SECONDS, alias)], alias }
}

/** At `hostname.service.namespace.svc`. */
export function endpointFound(name: DomainName, asked: number, endpoints: readonly PublishedEndpoint[]): Found {
  if (asked !== RecordType.SRV)
    return addressesFound(
      name,
      asked,
      endpoints.map(({ address }) => address),
    )
  return servicesFound(
    name,
    endpoints.flatMap(endpoint => targetsOf(endpoint, name)),
  )
}

/** A port by name and protocol, as `_web._tcp` asks for it. */
export interface AskedPort {
  readonly name: string
  readonly protocol: string
}

interface PortQuestion {
  readonly name: DomainName
  readonly serviceName: DomainName
  readonly entry: ServiceEntry
  /** Absent: all ports. */
  readonly port?: AskedPort
}

interface Target {
  readonly target: DomainName
  readonly port: number
  readonly addresses: readonly string[]
}

/** SRV records of a Service: one for each port, or for each port of each endpoint (specification 2.3.2, 2.4.2). */
export function portsFound({ name, serviceName, entry, port }: PortQuestion): Found {
  const { service, endpoints } = entry
  if (isHeadless(service)) {
    return servicesFound(
      name,
      endpoints.flatMap(endpoint => targetsOf(endpoint, `${endpoint.label}.${serviceName}`, port)),
    )
  }
  const addresses = clusterAddressesOf(service)
  const ports = (service.spec.ports ?? []).filter(candidate => isAsked(candidate, port))
  return servicesFound(
    name,
    ports.map(({ port: number }) => ({ target: serviceName, port: number, addresses })),
  )
}

const targetsOf = ({ ports, address }: PublishedEndpoint, target: DomainName, asked?: AskedPort): Target[] =>
  ports
    .filter(candidate => isAsked(candidate, asked))
    .flatMap(({ port }) => (port === undefined ? [] : [{ target, port, addresses: [address] }]))

export const isAsked = (
  candidate: { readonly name?: string; readonly protocol?: string },
  asked: AskedPort | undefined,
): boolean =>
  !asked || (candidate.name === asked.name && (candidate.protocol ?? 'TCP').toLowerCase() === asked.protocol)

function servicesFound(name: DomainName, targets: readonly Target[]): Found {
  const distinct = new Map(targets.map(target => [`${target.target}:${target.port}`, target]))
  const addresses = new Map(
    targets.flatMap(({ target, addresses }) => addresses.map(address => [`${target} ${address}`, { target, address }])),
  )
  return {
    answers: [...distinct.values()].map(({ target, port }) =>
      srvRecord(name, CLUSTER_TTL_SECONDS, { priority: 0, weight: 100, port, target }),
    ),
    additional: [...addresses.values()].map(({ target, address }) =>
      addressRecord(target, CLUSTER_TTL_SECONDS, address),
    ),
  }
}
