import { Pod, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import { badRequest, notFound, serviceUnavailable } from '../../machinery/status.ts'
import type { ResourceRequest } from '../http/request-info.ts'
import type { ObjectCaches } from '../object-cache.ts'
import type { ProxiedAddress } from './node-connection.ts'

const HTTP_PORT = 80

/** Where `proxy` leads: the name may carry a scheme and a port, as in `https:web-0:8443`. */
export async function proxyTargetOf(info: ResourceRequest, caches: ObjectCaches): Promise<ProxiedAddress> {
  const { scheme, name, port } = partsOf(info.name)
  return info.resource === 'pods'
    ? podTarget({ ...info, name }, { scheme, port }, caches)
    : serviceTarget({ ...info, name }, { scheme, port }, caches)
}

interface Wanted {
  readonly scheme: 'http' | 'https'
  readonly port: string
}

function partsOf(text: string): Wanted & { readonly name: string } {
  const parts = text.split(':')
  if (parts.length === 1) return { scheme: 'http', name: text, port: '' }
  if (parts.length === 2) return { scheme: 'http', name: parts[0]!, port: parts[1]! }
  const [scheme, name, port] = parts
  if (parts.length !== 3 || (scheme !== 'http' && scheme !== 'https' && scheme !== ''))
    throw badRequest(`invalid proxy name "${text}"`)
  return { scheme: scheme === 'https' ? 'https' : 'http', name: name!, port: port! }
}

async function podTarget(
  { namespace, name }: ResourceRequest,
  { scheme, port }: Wanted,
  caches: ObjectCaches,
): Promise<ProxiedAddress> {
  const pod = await caches.live(Pod, { namespace, name })
  if (!pod) throw notFound({ group: '', resource: 'pods' }, name)
  const host = pod.status?.podIP
  if (!host) throw badRequest('address not allowed: the pod has no address yet')
  const ports = pod.spec.containers.flatMap(container => container.ports ?? [])
  const named = ports.find(candidate => candidate.name === port)?.containerPort
  const number = port === '' ? (ports[0]?.containerPort ?? HTTP_PORT) : (named ?? Number(port))
  return { scheme, host, port: validPort(number, port) }
}

async function serviceTarget(
  { namespace, name }: ResourceRequest,
  { scheme, port }: Wanted,
  caches: ObjectCaches,
): Promise<ProxiedAddress> {
  const service = await caches.live(Service, { namespace, name })
  if (!service) throw notFound({ group: '', resource: 'services' }, name)
  const ports = service.spec?.ports ?? []
  const chosen =
    port === '' ? ports[0] : ports.find(candidate => candidate.name === port || String(candidate.port) === port)
  if (!chosen) throw serviceUnavailable(`no service port "${port}" found for service "${name}"`)
  for (const slice of caches.of(EndpointSlice).list(namespace)) {
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== name) continue
    const number = slice.ports?.find(candidate => (candidate.name ?? '') === (chosen.name ?? ''))?.port
    const ready = slice.endpoints?.find(({ conditions }) => conditions?.ready !== false)
    if (ready && number !== undefined) return { scheme, host: ready.addresses[0]!, port: number }
  }
  throw serviceUnavailable(`no endpoints available for service "${name}"`)
}

function validPort(number: number, text: string): number {
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number
  throw badRequest(`"${text}" is no port of the pod`)
}
