import type { Node, Pod, Service } from '../../api/core-v1/types.ts'
import type { Endpoint, EndpointPort } from '../../api/discovery-v1/types.ts'
import { type AddressType, addressTypesOf, endpointOf, endpointPortsOf, zoneOf } from './endpoint.ts'
import type { EndpointGroup } from './packing.ts'
import { selects } from './service-pods.ts'

interface Made {
  /** Of the machine, when the endpoints were made. */
  readonly zone: string | undefined
  readonly shape: string
  readonly ports: readonly EndpointPort[]
  readonly endpoints: ReadonlyMap<AddressType, Endpoint>
}

/**
 * Makes the endpoints of a Service, each only once: a Service of a thousand Pods changes a thousand times while they
 * start, and each time only one of them is new. Objects are immutable, so an endpoint holds as long as its Pod and its
 * Service are the same objects and the machine stays in its zone.
 */
export class EndpointMemo {
  readonly #made = new WeakMap<Service, WeakMap<Pod, Made | 'notSelected'>>()

  /** One group for each address family and each set of ports that the Pods resolve the Service's ports to. */
  groupsOf(
    service: Service,
    pods: readonly Pod[],
    nodeNamed: (name: string) => Node | undefined,
  ): readonly EndpointGroup[] {
    const made = this.#madeFor(service, pods, nodeNamed)
    return addressTypesOf(service).flatMap(addressType => {
      const groups = new Map<string, EndpointGroup & { readonly endpoints: Endpoint[] }>()
      for (const { endpoints, shape, ports } of made) {
        const endpoint = endpoints.get(addressType)
        if (!endpoint) continue
        const group = groups.get(shape)
        if (group) group.endpoints.push(endpoint)
        else groups.set(shape, { addressType, ports, endpoints: [endpoint] })
      }
      return groups.size > 0 ? [...groups.values()] : [{ addressType, ports: [], endpoints: [] }]
    })
  }

  #madeFor(service: Service, pods: readonly Pod[], nodeNamed: (name: string) => Node | undefined): readonly Made[] {
    const known = this.#made.get(service) ?? new WeakMap<Pod, Made | 'notSelected'>()
    this.#made.set(service, known)
    const zones = new Map<string, string | undefined>()
    const zoneFor = (name: string): string | undefined => {
      if (!zones.has(name)) zones.set(name, zoneOf(nodeNamed(name)))
      return zones.get(name)
    }
    const result: Made[] = []
    for (const pod of pods) {
      const before = known.get(pod)
      if (before === 'notSelected') continue
      const zone = pod.spec.nodeName ? zoneFor(pod.spec.nodeName) : undefined
      const made = before && before.zone === zone ? before : makeFor(service, pod, zone)
      if (made !== before) known.set(pod, made)
      if (made !== 'notSelected') result.push(made)
    }
    return result
  }
}

function makeFor(service: Service, pod: Pod, zone: string | undefined): Made | 'notSelected' {
  if (!selects(service, pod.metadata.labels)) return 'notSelected'
  const ports = endpointPortsOf(pod, service)
  const endpoints = new Map<AddressType, Endpoint>()
  for (const addressType of addressTypesOf(service)) {
    const endpoint = endpointOf(pod, { service, addressType, zone })
    if (endpoint) endpoints.set(addressType, endpoint)
  }
  return { zone, shape: JSON.stringify(ports), ports, endpoints }
}
