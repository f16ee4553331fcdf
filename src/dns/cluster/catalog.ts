import { Namespace, Pod, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { Informer, InformerFactory } from '../../client/informer.ts'
import { keyOf, keyText } from '../../machinery/object.ts'
import { isPodActive } from '../../machinery/pod-state.ts'
import { clusterAddressesOf, serviceKeyOf, slicesByService } from '../../machinery/service-endpoints.ts'
import { type ServiceEntry, serviceEntryFrom } from './service-entry.ts'

/** What the DNS knows of the cluster. Every answer reads it afresh, so a change is in the next answer. */
export interface ClusterCatalog {
  /** False until the whole cluster has been seen once: before that, "no such name" would be a guess. */
  readonly isSynced: boolean
  whenSynced(signal?: AbortSignal): Promise<void>
  /** Another number after every change that could change an answer. */
  readonly version: number
  /** Calls `run` after every such change, once the catalog holds it. */
  onChange(run: () => void): Disposable
  service(namespace: string, name: string): ServiceEntry | undefined
  hasNamespace(name: string): boolean
  hasPod(namespace: string, address: string): boolean
  /** In any namespace. */
  hasPodAt(address: string): boolean
  /** The Pod that will have this name once its address is published: it exists, and has not ended. */
  podNamed(name: PodName): Pod | undefined
  /** Services whose own address this is. */
  servicesAt(address: string): readonly Service[]
  /** Services that publish this address as an endpoint. */
  servicesBehind(address: string): readonly ServiceEntry[]
}

export interface PodName {
  readonly namespace: string
  readonly service: string
  readonly hostname: string
}

const CLUSTER_ADDRESS_INDEX = 'dns-cluster-address'
const ENDPOINT_ADDRESS_INDEX = 'dns-endpoint-address'
const POD_ADDRESS_INDEX = 'dns-pod-address'
const POD_NAME_INDEX = 'dns-pod-name'

interface Informers {
  readonly services: Informer<Service>
  readonly slices: Informer<EndpointSlice>
  readonly pods: Informer<Pod>
  readonly namespaces: Informer<Namespace>
}

/** Reads the cluster through informers and their indexes; what a change does not concern is not looked at again. */
export function clusterCatalog(factory: InformerFactory): ClusterCatalog {
  const informers = indexedInformers(factory)
  const { services, slices, pods, namespaces } = informers
  const entries = new Map<string, ServiceEntry>()
  const listeners = new Set<() => void>()
  let version = 0
  const changed = (serviceKey?: string): void => {
    if (serviceKey !== undefined) entries.delete(serviceKey)
    version++
    for (const run of listeners) run()
  }
  watchChanges(informers, changed)

  const entryOf = (key: string, service: Service): ServiceEntry => {
    const known = entries.get(key)
    if (known) return known
    const entry = serviceEntryFrom(service, slices.byIndex(slicesByService.name, key))
    entries.set(key, entry)
    return entry
  }
  const find = (namespace: string, name: string): ServiceEntry | undefined => {
    const service = services.get({ namespace, name })
    return service && entryOf(`${namespace}/${name}`, service)
  }
  const all = [services, slices, pods, namespaces]
  return {
    get isSynced() {
      return all.every(informer => informer.isSynced)
    },
    whenSynced: async signal => void (await Promise.all(all.map(informer => informer.whenSynced(signal)))),
    get version() {
      return version
    },
    onChange(run) {
      listeners.add(run)
      return { [Symbol.dispose]: () => void listeners.delete(run) }
    },
    service: find,
    hasNamespace: name => namespaces.get({ name }) !== undefined,
    hasPod: (namespace, address) =>
      pods.byIndex(POD_ADDRESS_INDEX, address).some(({ metadata }) => metadata.namespace === namespace),
    hasPodAt: address => pods.byIndex(POD_ADDRESS_INDEX, address).length > 0,
    podNamed: ({ namespace, service, hostname }) =>
      pods.byIndex(POD_NAME_INDEX, `${namespace}/${service}/${hostname}`).find(isPodActive),
    servicesAt: address => inOrder(services.byIndex(CLUSTER_ADDRESS_INDEX, address)),
    servicesBehind(address) {
      const keys = new Set(slices.byIndex(ENDPOINT_ADDRESS_INDEX, address).map(serviceKeyOf))
      const behind = [...keys].flatMap(key => {
        const [namespace, name] = key?.split('/') ?? []
        return (namespace && name && find(namespace, name)) || []
      })
      return behind.filter(entry => entry.byAddress.has(address)).sort((a, b) => byKey(a.service, b.service))
    },
  }
}

function indexedInformers(factory: InformerFactory): Informers {
  const informers = {
    services: factory.informer(Service),
    slices: factory.informer(EndpointSlice),
    pods: factory.informer(Pod),
    namespaces: factory.informer(Namespace),
  }
  const { services, slices, pods } = informers
  services.addIndex(CLUSTER_ADDRESS_INDEX, clusterAddressesOf)
  slices.addIndex(slicesByService.name, slicesByService.valuesOf)
  slices.addIndex(ENDPOINT_ADDRESS_INDEX, slice => (slice.endpoints ?? []).flatMap(({ addresses }) => addresses))
  pods.addIndex(POD_ADDRESS_INDEX, podAddressesOf)
  pods.addIndex(POD_NAME_INDEX, podNamesOf)
  return informers
}

const podNamesOf = ({ metadata, spec }: Pod): readonly string[] =>
  spec.subdomain ? [`${metadata.namespace}/${spec.subdomain}/${spec.hostname ?? metadata.name}`] : []

export const podAddressesOf = ({ status }: Pod): readonly string[] =>
  status?.podIPs?.flatMap(({ ip }) => ip ?? []) ?? (status?.podIP ? [status.podIP] : [])

function watchChanges({ services, slices, pods, namespaces }: Informers, changed: (serviceKey?: string) => void): void {
  services.subscribe(({ object }) => changed(keyText(keyOf(object))))
  slices.subscribe(event => {
    if (event.type === 'updated' && serviceKeyOf(event.previous) !== serviceKeyOf(event.object)) {
      changed(serviceKeyOf(event.previous))
    }
    changed(serviceKeyOf(event.object))
  })
  pods.subscribe(event => {
    // Most changes of a Pod are none of its address; they must not empty the server's cache of answers.
    if (event.type !== 'updated' || podAddressesOf(event.previous).join() !== podAddressesOf(event.object).join())
      changed()
  })
  namespaces.subscribe(({ type }) => {
    if (type !== 'updated') changed()
  })
}

const byKey = (a: Service, b: Service): number => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1)
const inOrder = (services: readonly Service[]): readonly Service[] => [...services].sort(byKey)
