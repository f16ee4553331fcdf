import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Pod, Service } from '../../api/core-v1/types.ts'
import { hasPodEnded, isPodReady, isPodTerminating } from '../../machinery/pod-state.ts'
import { isHeadless, publishesUnready } from '../../machinery/service-endpoints.ts'
import { addressTypesOf, endpointPortsOf, hostnameOf } from '../endpoint-slice/endpoint.ts'

/** More addresses than this make the object too large for its readers (since 1.22 it is truncated here). */
export const ADDRESSES_MAX = 1000

export interface Subsets {
  readonly subsets: readonly EndpointSubset[]
  /** Addresses were left out: unready ones first. */
  readonly isTruncated: boolean
}

/** The Pods of a Service as Endpoints show them: those with the same ports share a subset, sorted throughout. */
export function subsetsOf(service: Service, pods: readonly Pod[]): Subsets {
  const isUnreadyPublished = publishesUnready(service)
  const bySet = new Map<
    string,
    { ports: readonly EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }
  >()
  const entries = pods.flatMap(pod => entryOf(pod, service) ?? [])
  const ordered = entries.filter(({ isReady }) => isReady).concat(entries.filter(({ isReady }) => !isReady))
  for (const { address, ports, isReady } of ordered.slice(0, ADDRESSES_MAX)) {
    const shape = JSON.stringify(ports)
    const set = bySet.get(shape) ?? { ports, ready: [], notReady: [] }
    bySet.set(shape, set)
    if (isReady || isUnreadyPublished) set.ready.push(address)
    else set.notReady.push(address)
  }
  const subsets = [...bySet]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length > 0 && { addresses: ready.sort(byAddress) }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady.sort(byAddress) }),
      ...(ports.length > 0 && { ports }),
    }))
  return { subsets, isTruncated: ordered.length > ADDRESSES_MAX }
}

interface Entry {
  readonly address: EndpointAddress
  readonly ports: readonly EndpointPort[]
  readonly isReady: boolean
}

/** Undefined for a Pod that has no place here. Terminating ones stay only where unready ones are asked for. */
function entryOf(pod: Pod, service: Service): Entry | undefined {
  const isUnreadyPublished = publishesUnready(service)
  const address = addressOf(pod, service)
  if (!address || hasPodEnded(pod) || (isPodTerminating(pod) && !isUnreadyPublished)) return undefined
  const ports = endpointPortsOf(pod, service).map(({ name, port, ...rest }) => ({
    ...(name && { name }),
    port: port!,
    ...rest,
  }))
  if (ports.length === 0 && !(isHeadless(service) && !service.spec.ports?.length)) return undefined
  return { address, ports, isReady: isUnreadyPublished || isPodReady(pod) }
}

function addressOf(pod: Pod, service: Service): EndpointAddress | undefined {
  const isV6 = addressTypesOf(service)[0] === 'IPv6'
  const ips = pod.status.podIPs?.map(({ ip }) => ip) ?? (pod.status.podIP ? [pod.status.podIP] : [])
  const ip = ips.find(candidate => candidate.includes(':') === isV6)
  if (!ip) return undefined
  const { name, namespace, uid } = pod.metadata
  const hostname = hostnameOf(pod, service)
  return {
    ip,
    ...(hostname && { hostname }),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  }
}

const byAddress = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : 1)

/** Ready and unready ones. */
export const addressCountOf = ({ subsets = [] }: { readonly subsets?: Endpoints['subsets'] }): number =>
  subsets.reduce(
    (sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length,
    0,
  )
