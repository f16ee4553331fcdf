import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Registry } from 'prom-client'
import type { Clock } from '../../machinery/clock.ts'
import type { Component } from '../../machinery/component.ts'
import type { Logger } from '../../machinery/logger.ts'
import { isRuntimeError, type MachineDoors } from '../doors.ts'
import type { Kubelet } from '../kubelet.ts'
import { containersOf, latestOf } from '../pod/pod-view.ts'
import type { PodWorker } from '../pod/pod-worker.ts'
import type { PodManager } from '../pod-manager.ts'
import { type EndpointUser, userOf } from './client-identity.ts'
import { serveLogs } from './container-logs.ts'
import { HttpFailure } from './http-failure.ts'
import { resourceMetrics, statsSummary } from './stats.ts'
import { serveUpgrade } from './upgrades.ts'

export interface KubeletEndpointOptions {
  readonly nodeName: string
  readonly kubelet: Kubelet
  readonly doors: MachineDoors
  readonly clock: Clock
  readonly logger: Logger
  /** All PEM. `clientAuthority`: who must have signed the certificates of those who ask. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly clientAuthority: string }
  /** Whether a user whose certificate is good may do this. */
  readonly authorize: (
    user: EndpointUser,
    request: { readonly method: string; readonly path: string },
  ) => boolean | Promise<boolean>
  /** What the components of this machine count, served at `/metrics`. */
  readonly metrics?: Registry
  /** Default: all addresses of the machine. */
  readonly host?: string
  /** Default: `endpointPort` of the kubelet's configuration; 0 is any that is free. */
  readonly port?: number
  readonly onListening?: (port: number) => void
}

/** The kubelet's own HTTPS endpoint, by which the API server reaches what only the machine knows. */
export function kubeletEndpoint(options: KubeletEndpointOptions): Component {
  return {
    name: `kubelet endpoint ${options.nodeName}`,
    run: signal => new Endpoint(options).run(signal),
  }
}

const RUN_TIMEOUT_MS = 600_000

class Endpoint {
  readonly #options: KubeletEndpointOptions

  constructor(options: KubeletEndpointOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const server = this.#server()
    const sockets = new Set<Duplex>()
    server.on('secureConnection', socket => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    const { kubelet, host, port = kubelet.config.endpointPort, onListening } = this.#options
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
    onListening?.((server.address() as AddressInfo).port)
    if (!signal.aborted)
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }

  #server(): Server {
    const { certificate: cert, key, clientAuthority: ca } = this.#options.tls
    // Who has no good certificate is told so by HTTP, which people can read.
    const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false })
    server.on('request', (request, response) => void this.#answer(request, response))
    server.on('upgrade', (request, socket, head) => void this.#upgrade({ request, socket, head }))
    return server
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Error('the client is gone')))
    try {
      await this.#admit(request)
      await this.#route(request, response, gone.signal)
    } catch (error) {
      if (gone.signal.aborted) return
      const { code, message } = this.#failureOf(error)
      if (!response.headersSent) response.writeHead(code, { 'content-type': 'text/plain' })
      response.end(message)
    }
  }

  async #admit(request: IncomingMessage): Promise<void> {
    const user = userOf(request.socket as TLSSocket)
    if (!user) throw new HttpFailure(401, 'Unauthorized')
    const { pathname: path } = urlOf(request)
    const method = request.method ?? 'GET'
    if (await this.#options.authorize(user, { method, path })) return
    throw new HttpFailure(
      403,
      `Forbidden (user=${user.name}, verb=${method.toLowerCase()}, resource=nodes, path=${path})`,
    )
  }

  async #route(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { pathname, searchParams: query } = urlOf(request)
    const [, what = '', namespace = '', name = '', container = ''] = pathname.split('/').map(decodeURIComponent)
    const { doors, nodeName, clock, kubelet } = this.#options
    switch (what) {
      case 'healthz':
        return send(response, 'text/plain', 'ok')
      case 'pods':
        return send(
          response,
          'application/json',
          JSON.stringify({
            kind: 'PodList',
            apiVersion: 'v1',
            metadata: {},
            items: this.#pods().workers.map(({ pod }) => pod),
          }),
        )
      case 'stats':
        return send(
          response,
          'application/json',
          JSON.stringify(
            await statsSummary({ nodeName, doors, pods: this.#pods(), config: kubelet.config, now: clock.now() }),
          ),
        )
      case 'metrics':
        return send(
          response,
          'text/plain; version=0.0.4',
          await this.#metrics({ isResource: namespace === 'resource' }),
        )
      case 'containerLogs':
        return serveLogs(
          { doors, clock },
          { worker: this.#worker(namespace, name), container, query, response, signal },
        )
      case 'run':
        return send(
          response,
          'text/plain',
          await this.#run(this.#containerId(this.#worker(namespace, name), container), query),
        )
      case 'exec':
      case 'attach':
      case 'portForward':
        throw new HttpFailure(400, 'unable to upgrade: missing upgrade headers in request')
      default:
        throw new HttpFailure(404, '404 page not found')
    }
  }

  async #run(id: string, query: URLSearchParams): Promise<string> {
    const command = query
      .getAll('cmd')
      .flatMap(text => text.split(' '))
      .filter(Boolean)
    const { stdout, stderr } = await this.#options.doors.runtime.execSync(id, command, RUN_TIMEOUT_MS)
    return Buffer.concat([stdout, stderr]).toString('utf8')
  }

  async #upgrade(upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer }): Promise<void> {
    const { request, socket } = upgrade
    socket.on('error', () => socket.destroy())
    try {
      await this.#admit(request)
      const { pathname, searchParams: query } = urlOf(request)
      const [, what = '', namespace = '', name = '', container = ''] = pathname.split('/').map(decodeURIComponent)
      const worker = this.#worker(namespace, name)
      const containerId = what === 'portForward' ? '' : this.#containerId(worker, container)
      const hasTerminal = containersOf(worker.pod).some(
        item => item.container.name === container && item.container.tty === true,
      )
      const { runtime } = this.#options.doors
      await serveUpgrade(upgrade, { what, query, worker, containerId, hasTerminal, runtime })
    } catch (error) {
      const { code, message } = this.#failureOf(error)
      const length = Buffer.byteLength(message)
      socket.end(
        `HTTP/1.1 ${code} Refused\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${message}`,
      )
    }
  }

  #pods(): PodManager {
    const { pods } = this.#options.kubelet
    if (!pods) throw new HttpFailure(503, 'the kubelet is starting')
    return pods
  }

  /** `/metrics/resource` as upstream has it; `/metrics` with what the components of this machine count. */
  async #metrics({ isResource }: { readonly isResource: boolean }): Promise<string> {
    const { doors, metrics } = this.#options
    const usage = await resourceMetrics({ doors })
    return isResource || !metrics ? usage : `${usage}${await metrics.metrics()}`
  }

  #worker(namespace: string, name: string): PodWorker {
    const worker = this.#pods().workerOf({ namespace, name })
    if (!worker)
      throw new HttpFailure(404, `pod does not exist: "${name}" in namespace "${namespace}" is not on this machine`)
    return worker
  }

  #containerId({ view }: PodWorker, name: string): string {
    const record = latestOf(view, name)
    if (record?.phase !== 'running') throw new HttpFailure(404, `container not found ("${name}")`)
    return record.id
  }

  #failureOf(error: unknown): { readonly code: number; readonly message: string } {
    if (error instanceof HttpFailure) return error
    this.#options.logger.warn({ error }, 'a request to the kubelet failed')
    const message = error instanceof Error ? error.message : String(error)
    return { code: isRuntimeError(error, 'notFound') ? 404 : 500, message }
  }
}

const urlOf = (request: IncomingMessage): URL => new URL(request.url ?? '/', 'https://kubelet')

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': type })
  response.end(body)
}
