import { pipeline } from 'node:stream/promises'
import { Node, Pod } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { Logger } from '../../machinery/logger.ts'
import { badRequest, notFound, StatusError, serviceUnavailable, statusErrorFrom } from '../../machinery/status.ts'
import type { Exchange } from '../http/exchange.ts'
import type { ResourceRequest } from '../http/request-info.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { containerPath, portForwardPath } from './kubelet-paths.ts'
import type { NodeConnection, NodeRequest, NodeResponse } from './node-connection.ts'
import { proxyTargetOf } from './proxy-target.ts'
import { answeredHeaders, forwardedHeaders, upgradeHeaders } from './relayed-headers.ts'
import type { StreamRelay } from './stream-relay.ts'

export interface PodStreamsDependencies {
  readonly nodes: NodeConnection
  readonly caches: ObjectCaches
  readonly logger: Logger
}

/** An answer that says why not is read to its end; more than this is nobody's error message. */
const MESSAGE_BYTES_MAX = 64 * 1024
const POD_SUBRESOURCES: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward'])

/**
 * Relays what only a Pod's machine can answer. The kubelet speaks every protocol that clients do, so once both sides have
 * agreed to change protocols, bytes pass through as they come.
 */
export function podStreams(dependencies: PodStreamsDependencies): StreamRelay {
  dependencies.caches.of(EndpointSlice) // For the proxies of Services.
  return {
    handles: ({ group, resource, subresource }) =>
      group === '' &&
      ((resource === 'pods' && POD_SUBRESOURCES.has(subresource)) ||
        (subresource === 'proxy' && (resource === 'pods' || resource === 'services' || resource === 'nodes'))),
    async relay(exchange, info) {
      if (info.subresource === 'proxy') return relayProxy(exchange, info, dependencies)
      const pod = await dependencies.caches.live(Pod, { namespace: info.namespace, name: info.name })
      if (!pod) throw notFound({ group: '', resource: 'pods' }, info.name)
      const node = await nodeOf(pod, dependencies)
      if (info.subresource === 'log') {
        const path = containerPath('containerLogs', pod, exchange.query)
        return relayAnswer(exchange, () => dependencies.nodes.request(node, requestTo(exchange, path)), info)
      }
      const path =
        info.subresource === 'portforward'
          ? portForwardPath(pod, exchange.query)
          : containerPath(info.subresource, pod, exchange.query)
      return relayUpgrade(exchange, { node, path, info }, dependencies)
    },
  }
}

async function nodeOf({ metadata, spec }: Pod, { caches }: PodStreamsDependencies): Promise<Node> {
  if (!spec.nodeName) throw badRequest(`pod ${metadata.name} does not have a host assigned`)
  const node = caches.of(Node).get({ name: spec.nodeName }) ?? (await caches.live(Node, { name: spec.nodeName }))
  if (!node) throw notFound({ group: '', resource: 'nodes' }, spec.nodeName)
  return node
}

const requestTo = (exchange: Exchange, path: string): NodeRequest => ({
  method: exchange.method === 'HEAD' ? 'GET' : exchange.method,
  path,
  headers: forwardedHeaders(exchange.headers),
  signal: exchange.signal,
})

async function relayProxy(
  exchange: Exchange,
  info: ResourceRequest,
  dependencies: PodStreamsDependencies,
): Promise<void> {
  const { nodes, caches } = dependencies
  const path = `${info.rest || '/'}${exchange.search}`
  const hasBody = exchange.method !== 'GET' && exchange.method !== 'HEAD'
  const request = { ...requestTo(exchange, path), ...(hasBody && { body: exchange.incoming }) }
  if (info.resource === 'nodes') {
    const node = await caches.live(Node, { name: info.name.split(':')[0]! })
    if (!node) throw notFound({ group: '', resource: 'nodes' }, info.name)
    if (exchange.upgrade) return relayUpgrade(exchange, { node, path, info }, dependencies)
    return relayAnswer(exchange, () => nodes.request(node, request))
  }
  if (exchange.upgrade) throw badRequest('the proxy does not change protocols; use port-forward')
  const target = await proxyTargetOf(info, caches)
  return relayAnswer(exchange, () => nodes.requestAddress(target, request))
}

/** Relays an ordinary answer. With `info`, a failure becomes a Status in the name of the resource. */
async function relayAnswer(
  exchange: Exchange,
  ask: () => Promise<NodeResponse>,
  info?: ResourceRequest,
): Promise<void> {
  const response = await reached(ask)
  if (info && response.code >= 400) throw await statusErrorOf(response, info)
  const writable = exchange.stream({ code: response.code, headers: answeredHeaders(response.headers) })
  // A client that goes away ends the answer, and the other way round: neither is a failure of the server.
  await pipeline(response.body, writable).catch(() => response.body.destroy())
}

async function reached<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof StatusError) throw error
    const { code = 'no answer' } = error as NodeJS.ErrnoException
    throw serviceUnavailable(`the machine or address behind this request cannot be reached (${code})`, error)
  }
}

async function statusErrorOf(
  response: NodeResponse,
  { resource, subresource, name }: ResourceRequest,
): Promise<StatusError> {
  const text = (await textOf(response)).trim()
  const { code } = response
  if (code === 400) return badRequest(text)
  const message =
    code === 404
      ? text || `the server could not find the requested resource (${resource}/${subresource} ${name})`
      : `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding (${resource}/${subresource} ${name})`
  return statusErrorFrom({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: code === 404 ? 'NotFound' : code === 403 ? 'Forbidden' : 'InternalError',
    details: { name, kind: resource },
    code,
  })
}

async function textOf({ body }: NodeResponse): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body) {
    pieces.push(piece as Buffer)
    length += (piece as Buffer).length
    if (length > MESSAGE_BYTES_MAX) break
  }
  return Buffer.concat(pieces).toString('utf8').slice(0, MESSAGE_BYTES_MAX)
}

async function relayUpgrade(
  exchange: Exchange,
  { node, path, info }: { node: Node; path: string; info: ResourceRequest },
  { nodes, logger }: PodStreamsDependencies,
): Promise<void> {
  const { upgrade } = exchange
  if (!upgrade) throw badRequest('Upgrade request required')
  const { method } = exchange
  const result = await reached(() => nodes.upgrade(node, { method, path, headers: upgradeHeaders(exchange.headers) }))
  if (result.kind === 'refused') throw await statusErrorOf(result.response, info)
  const { stream, head, headers } = result
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? '']).map(one => `${name}: ${one}\r\n`),
  )
  upgrade.socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`)
  if (head.length > 0) upgrade.socket.write(head)
  if (upgrade.head.length > 0) stream.write(upgrade.head)
  const log = (err: unknown): void => logger.debug({ err, path: exchange.path }, 'stream ended early')
  await Promise.all([pipeline(upgrade.socket, stream).catch(log), pipeline(stream, upgrade.socket).catch(log)])
  stream.destroy()
  upgrade.socket.destroy()
}
