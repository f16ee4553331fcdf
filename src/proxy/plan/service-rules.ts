import type { Service, ServicePort } from '../../api/core-v1/types.ts'
import type { EndpointSlice } from '../../api/discovery-v1/types.ts'
import { clusterAddressesOf } from '../../machinery/service-endpoints.ts'
import { type Backend, type Backends, backendsOf, stableOrder } from './backends.ts'

/** Maps and sets of the table, by name. */
export type ElementSet =
  | 'services'
  | 'external'
  | 'node_ports'
  | 'endpoints'
  | 'refused'
  | 'refused_node_ports'
  | 'hairpin'

export interface Element {
  readonly set: ElementSet
  readonly key: string
  /** Undefined in sets, which have only keys. */
  readonly value?: string
}

/** Everything that one Service needs in the table. */
export interface ServiceRules {
  readonly elements: readonly Element[]
  /** Rules by chain, in the order in which the chains may be made. */
  readonly chains: ReadonlyMap<string, readonly string[]>
  /** Definitions of sets that the chains use, by name. */
  readonly sets: ReadonlyMap<string, string>
  /** Where UDP flows lead: those that lead elsewhere are stale. */
  readonly udpFronts: readonly UdpFront[]
  /** Addresses of this machine's Pods that serve it. */
  readonly localEndpoints: number
  /** For each port, the order that `stableOrder` goes on from. */
  readonly orders: ReadonlyMap<string, readonly Backend[]>
}

/** An address or a port of the machine at which datagrams are accepted, and who may get them. */
export interface UdpFront {
  /** Undefined for a node port, which is at every address of the machine. */
  readonly address?: string
  readonly port: number
  readonly backends: readonly string[]
}

export interface PlanContext {
  readonly nodeName: string
  /** For example `10.244.0.0/16`. */
  readonly clusterPodRange: string
  /** A number for a port of a Service that no other has, and that stays while the process runs. */
  readonly idOf: (portKey: string) => number
}

/** The mark on connections whose source is to be hidden behind this machine. The bit that other proxies use for it, too. */
export const MASQUERADE_MARK = '0x4000'
const AFFINITY_SECONDS_DEFAULT = 10_800

/** What the table must hold for a Service. Pure. */
export function serviceRules(
  service: Service,
  slices: readonly EndpointSlice[],
  context: PlanContext,
  previous?: ServiceRules,
): ServiceRules {
  const draft = new Draft()
  const local = new Set<string>()
  if (service.spec.type !== 'ExternalName') {
    for (const port of service.spec.ports ?? []) {
      const key = `${service.metadata.namespace}/${service.metadata.name}/${port.protocol ?? 'TCP'}/${port.port}`
      const found = backendsOf(service, port, slices, context.nodeName)
      const all = stableOrder(previous?.orders.get(key) ?? [], found.all)
      draft.orders.set(key, all)
      for (const { address } of found.local) local.add(address)
      planPort({ service, port, backends: { ...found, all }, id: context.idOf(key), context, draft })
    }
  }
  draft.localEndpoints = local.size
  return draft
}

class Draft implements ServiceRules {
  localEndpoints = 0
  readonly elements: Element[] = []
  readonly chains = new Map<string, readonly string[]>()
  readonly sets = new Map<string, string>()
  readonly udpFronts: UdpFront[] = []
  readonly orders = new Map<string, readonly Backend[]>()
}

interface PortPlan {
  readonly service: Service
  readonly port: ServicePort
  readonly backends: Backends
  readonly id: number
  readonly context: PlanContext
  readonly draft: Draft
}

const protocolOf = ({ protocol = 'TCP' }: ServicePort): string => protocol.toLowerCase()
const isIpv4 = (address: string): boolean => !address.includes(':')
const addressesOf = (backends: readonly Backend[]): string[] => backends.map(({ address }) => address)

function planPort(plan: PortPlan): void {
  const { backends, draft } = plan
  for (const { address } of backends.local) draft.elements.push({ set: 'hairpin', key: `${address} . ${address}` })
  for (const address of clusterAddressesOf(plan.service).filter(isIpv4)) planClusterAddress(plan, address)
  planExternal(plan)
}

function planClusterAddress({ service, port, backends, id, draft }: PortPlan, address: string): void {
  const reachable = service.spec.internalTrafficPolicy === 'Local' ? backends.local : backends.all
  // An endpoint that is the Service's own address is the machine itself, as it is for the cluster DNS.
  if (reachable.some(backend => backend.address === address)) return
  const key = `${address} . ${protocolOf(port)} . ${port.port}`
  if (protocolOf(port) === 'udp') draft.udpFronts.push({ address, port: port.port, backends: addressesOf(reachable) })
  if (reachable.length === 0) {
    draft.elements.push({ set: 'refused', key, value: 'goto refuse' })
  } else if (service.spec.sessionAffinity === 'ClientIP') {
    draft.chains.set(`port-${id}`, pickRules({ service, port, id, draft, view: 'c' }, reachable))
    draft.elements.push({ set: 'services', key, value: `goto port-${id}` })
  } else {
    draft.elements.push({ set: 'services', key, value: `goto pick-${reachable.length}` })
    for (const [index, backend] of reachable.entries()) {
      draft.elements.push({ set: 'endpoints', key: `${key} . ${index}`, value: `${backend.address} . ${backend.port}` })
    }
  }
}

interface Front {
  readonly set: 'external' | 'node_ports'
  readonly key: string
  readonly address?: string
  readonly port: number
  /** Enter through the chain that looks at the client's address first. */
  readonly isFiltered: boolean
}

function frontsOf({ spec, status }: Service, port: ServicePort): readonly Front[] {
  const protocol = protocolOf(port)
  const isLoadBalancer = spec.type === 'LoadBalancer'
  const given = isLoadBalancer ? (status?.loadBalancer?.ingress ?? []) : []
  const balanced = given.flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? [ip] : []))
  const filtered = (spec.loadBalancerSourceRanges ?? []).length > 0
  const at = (address: string, isFiltered: boolean): Front => ({
    set: 'external',
    key: `${address} . ${protocol} . ${port.port}`,
    address,
    port: port.port,
    isFiltered,
  })
  const nodePort = spec.type === 'NodePort' || isLoadBalancer ? port.nodePort : undefined
  return [
    ...(spec.externalIPs ?? []).filter(isIpv4).map(address => at(address, false)),
    ...balanced.filter(isIpv4).map(address => at(address, filtered)),
    ...(nodePort
      ? [{ set: 'node_ports' as const, key: `${protocol} . ${nodePort}`, port: nodePort, isFiltered: false }]
      : []),
  ]
}

/** Node ports, external addresses and those of a load balancer. */
function planExternal(plan: PortPlan): void {
  const { service, port, backends, id, draft } = plan
  const fronts = frontsOf(service, port)
  if (fronts.length === 0) return
  if (backends.all.length > 0)
    planExternalChains(
      plan,
      fronts.some(({ isFiltered }) => isFiltered),
    )
  for (const { set, key, isFiltered, ...front } of fronts) {
    if (protocolOf(port) === 'udp') draft.udpFronts.push({ ...front, backends: addressesOf(backends.all) })
    if (backends.all.length > 0)
      draft.elements.push({ set, key, value: `goto ${isFiltered ? 'ranges' : 'outside'}-${id}` })
    else draft.elements.push({ set: set === 'external' ? 'refused' : 'refused_node_ports', key, value: 'goto refuse' })
  }
}

function planExternalChains(plan: PortPlan, isFiltered: boolean): void {
  const { service, port, backends, id, context, draft } = plan
  const masquerade = `meta mark set meta mark or ${MASQUERADE_MARK}`
  const everywhere = [masquerade, ...pickRules({ service, port, id, draft, view: 'e' }, backends.all)]
  if (service.spec.externalTrafficPolicy === 'Local') {
    // The client's address stays visible, so only Pods of this machine may answer. Callers inside the cluster have no
    // reason to care where the answer comes from.
    draft.chains.set(`anywhere-${id}`, everywhere)
    const local =
      backends.local.length > 0 ? pickRules({ service, port, id, draft, view: 'l' }, backends.local) : ['drop']
    const inside = [
      `ip saddr ${context.clusterPodRange} goto anywhere-${id}`,
      `fib saddr type local goto anywhere-${id}`,
    ]
    draft.chains.set(`outside-${id}`, [...inside, ...local])
  } else {
    draft.chains.set(`outside-${id}`, everywhere)
  }
  const ranges = (service.spec.loadBalancerSourceRanges ?? []).map(range => range.trim()).filter(isIpv4)
  if (isFiltered) {
    const refusal = ranges.length > 0 ? `ip saddr != { ${ranges.join(', ')} } drop` : 'drop'
    draft.chains.set(`ranges-${id}`, [refusal, `goto outside-${id}`])
  }
}

interface Picking extends Pick<PortPlan, 'service' | 'port' | 'id' | 'draft'> {
  /** Tells apart the several ways into one port. */
  readonly view: string
}

/** Rules that send a connection to one of the backends, by chance or where its client went before. */
function pickRules(picking: Picking, backends: readonly Backend[]): readonly string[] {
  const { service, port } = picking
  if (service.spec.sessionAffinity === 'ClientIP') return stickyRules(picking, backends)
  const [only] = backends
  const to = `meta l4proto ${protocolOf(port)} dnat ip to`
  if (backends.length === 1) return [`${to} ${only!.address}:${only!.port}`]
  const choices = backends.map(({ address, port: number }, index) => `${index} : ${address} . ${number}`)
  return [`${to} numgen random mod ${backends.length} map { ${choices.join(', ')} }`]
}

/** Each backend has a set of the clients that it served; a set goes with its backend, and its clients choose anew. */
function stickyRules({ service, port, id, draft, view }: Picking, backends: readonly Backend[]): readonly string[] {
  const seconds = service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS_DEFAULT
  const named = backends.map(backend => ({
    backend,
    name: `${id}-${backend.address.replaceAll('.', '_')}-${backend.port}`,
  }))
  for (const { backend, name } of named) {
    draft.sets.set(`clients-${name}`, `type ipv4_addr; size 65535; flags dynamic,timeout; timeout ${seconds}s;`)
    draft.chains.set(`stick-${view}-${name}`, [
      `update @clients-${name} { ip saddr }`,
      `meta l4proto ${protocolOf(port)} dnat ip to ${backend.address}:${backend.port}`,
    ])
  }
  const known = named.map(({ name }) => `ip saddr @clients-${name} goto stick-${view}-${name}`)
  const choices = named.map(({ name }, index) => `${index} : goto stick-${view}-${name}`)
  return [...known, `numgen random mod ${backends.length} vmap { ${choices.join(', ')} }`]
}
