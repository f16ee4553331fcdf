import type { Service, ServicePort } from '../../api/core-v1/types.ts'
import type { Endpoint, EndpointSlice } from '../../api/discovery-v1/types.ts'
import {
  isReadyEndpoint,
  isServingEndpoint,
  isTerminatingEndpoint,
  publishesUnready,
} from '../../machinery/service-endpoints.ts'

/** Where a connection may end. */
export interface Backend {
  readonly address: string
  readonly port: number
}

/** The endpoints of one port, as this machine may use them. */
export interface Backends {
  /** On any machine. */
  readonly all: readonly Backend[]
  /** On this machine. */
  readonly local: readonly Backend[]
}

interface Candidate extends Backend {
  readonly isLocal: boolean
  readonly isReady: boolean
  readonly isLastResort: boolean
}

/**
 * Ready endpoints; where there are none, those that end but still serve, so that a rolling update never finds a moment
 * with nowhere to go (KEP-1669). Decided apart for this machine's own.
 */
export function backendsOf(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  nodeName: string,
): Backends {
  const candidates = slices
    .filter(({ addressType }) => addressType === 'IPv4')
    .flatMap(slice => candidatesOf(service, port, slice, nodeName))
  return { all: usable(candidates), local: usable(candidates.filter(({ isLocal }) => isLocal)) }
}

function candidatesOf(service: Service, port: ServicePort, slice: EndpointSlice, nodeName: string): Candidate[] {
  const protocol = port.protocol ?? 'TCP'
  const match = slice.ports?.find(
    ({ name, protocol: other }) => (name ?? '') === (port.name ?? '') && (other ?? 'TCP') === protocol,
  )
  if (match?.port === undefined) return []
  const unready = publishesUnready(service)
  return (slice.endpoints ?? []).flatMap(endpoint =>
    endpoint.addresses.slice(0, 1).map(address => ({
      address,
      port: match.port!,
      isLocal: endpoint.nodeName === nodeName,
      isReady: isReadyEndpoint(endpoint) || (unready && !isTerminatingEndpoint(endpoint)),
      isLastResort: endsButServes(endpoint),
    })),
  )
}

const endsButServes = (endpoint: Endpoint): boolean => isTerminatingEndpoint(endpoint) && isServingEndpoint(endpoint)

function usable(candidates: readonly Candidate[]): Backend[] {
  const ready = candidates.filter(({ isReady }) => isReady)
  const chosen = ready.length > 0 ? ready : candidates.filter(({ isLastResort }) => isLastResort)
  const distinct = new Map(chosen.map(({ address, port }) => [`${address} ${port}`, { address, port }]))
  return [...distinct.values()]
}

/**
 * Gives each backend a number from 0 up. Those that stay keep theirs as far as possible: what is numbered anew has to be
 * written to the kernel anew.
 */
export function stableOrder(previous: readonly Backend[], wanted: readonly Backend[]): readonly Backend[] {
  const text = ({ address, port }: Backend): string => `${address} ${port}`
  const missing = new Map(wanted.map(backend => [text(backend), backend]))
  const slots: (Backend | undefined)[] = previous.slice(0, wanted.length).map(backend => {
    const kept = missing.get(text(backend))
    missing.delete(text(backend))
    return kept
  })
  const fresh = [...missing.values()]
  return Array.from({ length: wanted.length }, (_, index) => slots[index] ?? fresh.shift()!)
}
