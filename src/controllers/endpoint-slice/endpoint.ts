import type { Node, Pod, Service, ServicePort } from '../../api/core-v1/types.ts'
import type { Endpoint, EndpointPort } from '../../api/discovery-v1/types.ts'
import { hasPodEnded, isPodReady, isPodTerminating } from '../../machinery/pod-state.ts'
import { publishesUnready } from '../../machinery/service-endpoints.ts'

export type AddressType = 'IPv4' | 'IPv6'

export const zoneOf = (node: Node | undefined): string | undefined =>
  node?.metadata.labels?.['topology.kubernetes.io/zone']

const addressTypeOf = (ip: string): AddressType => (ip.includes(':') ? 'IPv6' : 'IPv4')

/** The address families that a Service publishes. */
export function addressTypesOf({ spec }: Service): readonly AddressType[] {
  const families = (spec.ipFamilies ?? []).filter(family => family === 'IPv4' || family === 'IPv6')
  if (families.length > 0) return families
  return [spec.clusterIP && spec.clusterIP !== 'None' ? addressTypeOf(spec.clusterIP) : 'IPv4']
}

const addressesOf = ({ status }: Pod): readonly string[] =>
  status.podIPs?.map(({ ip }) => ip) ?? (status.podIP ? [status.podIP] : [])

/** The endpoint of a Pod in one address family; undefined while it has no address, and once it has ended. */
export function endpointOf(
  pod: Pod,
  { service, addressType, zone }: { service: Service; addressType: AddressType; zone: string | undefined },
): Endpoint | undefined {
  const address = addressesOf(pod).find(ip => addressTypeOf(ip) === addressType)
  if (!address || hasPodEnded(pod)) return undefined
  const { name, namespace, uid } = pod.metadata
  const serving = isPodReady(pod)
  const terminating = isPodTerminating(pod)
  const hostname = hostnameOf(pod, service)
  return {
    addresses: [address],
    conditions: { ready: publishesUnready(service) || (serving && !terminating), serving, terminating },
    ...(hostname && { hostname }),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', name, namespace, uid },
    ...(zone && { zone }),
  }
}

/** The name that DNS gives the Pod below its Service: only for a Pod that asks for it and names this Service. */
export const hostnameOf = ({ spec }: Pod, { metadata }: Service): string | undefined =>
  spec.hostname && spec.subdomain === metadata.name ? spec.hostname : undefined

/** Where the Service's ports lead on this Pod. A port whose name no container of the Pod has is left out. */
export function endpointPortsOf(pod: Pod, service: Service): readonly EndpointPort[] {
  return (service.spec.ports ?? []).flatMap(servicePort => {
    const port = targetPortOf(pod, servicePort)
    if (port === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = servicePort
    return [{ name, port, protocol, ...(appProtocol && { appProtocol }) }]
  })
}

function targetPortOf(pod: Pod, { port, targetPort, protocol = 'TCP' }: ServicePort): number | undefined {
  if (targetPort === undefined || targetPort === 0 || targetPort === '') return port
  if (typeof targetPort === 'number') return targetPort
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const { ports = [] } of [...pod.spec.containers, ...sidecars]) {
    const match = ports.find(({ name, protocol: own = 'TCP' }) => name === targetPort && own === protocol)
    if (match) return match.containerPort
  }
  return undefined
}
