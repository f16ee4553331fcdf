import type { Registry as MetricsRegistry } from 'prom-client'
import type { ApiTransport } from '../machinery/api-call.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import type { Registry, UserInfo } from '../registry/resource.ts'
import type { Authenticator } from './authentication/authenticator.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import { Discovery } from './documents/discovery.ts'
import type { DocumentHandler } from './documents/document.ts'
import { type HealthCheck, healthHandler } from './documents/health.ts'
import { metricsHandler } from './documents/metrics.ts'
import { OpenApi } from './documents/openapi.ts'
import { versionHandler } from './documents/version.ts'
import { requestPipeline } from './filters/pipeline.ts'
import { type Listener, type ListenOptions, listen } from './http/listener.ts'
import { Dispatcher } from './resources/dispatcher.ts'
import { inProcessTransport } from './resources/in-process-transport.ts'
import { ResourceHandler } from './resources/resource-handler.ts'
import type { VirtualResources } from './resources/virtual-resource.ts'
import { WatchFlusher } from './resources/watch-outbox.ts'
import type { StreamRelay } from './streams/stream-relay.ts'

export interface ApiServerOptions {
  readonly registry: Registry
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  /** Asked in order; who is known to none of them is anonymous. */
  readonly authentication: readonly Authenticator[]
  readonly authorization: Authorizer
  /** Resources that are answered and never stored: reviews, tokens. */
  readonly virtualResources?: VirtualResources
  /** Paths beside the usual ones, for example the issuer's documents. */
  readonly documents?: readonly DocumentHandler[]
  /** Relays log, exec, attach, port-forward and proxy. Absent: these answer that no node can be reached. */
  readonly streams?: StreamRelay
  readonly readyChecks?: readonly HealthCheck[]
}

/** The API, over HTTPS and inside this process. */
export interface ApiServer {
  /** Calls as `user`, without HTTP or JSON in between: the same authorisation, admission and registry. */
  transportFor(user: UserInfo): ApiTransport
  /** May be called several times, for several addresses. */
  listen(options: ListenOptions): Promise<Listener>
  /** Ends watches, also those within this process, and listeners. The registry stays open: it belongs to whoever handed it in. */
  close(): Promise<void>
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { registry, clock, random, logger, authorization } = options
  const dispatcher = new Dispatcher(registry, options.virtualResources ?? new Map())
  const closing = new AbortController()
  const resources = new ResourceHandler({
    dispatcher,
    flusher: new WatchFlusher(clock),
    clock,
    random,
    logger,
    closing: closing.signal,
  })
  const pipeline = requestPipeline({ ...options, resources, documents: documentHandlers(options) })
  const listeners: Listener[] = []
  return {
    transportFor: user =>
      inProcessTransport(user, { dispatcher, authorizer: authorization, clock, closing: closing.signal }),
    async listen(listenOptions) {
      const listener = await listen(listenOptions, { accept: pipeline, logger, clock })
      listeners.push(listener)
      return listener
    },
    async close() {
      closing.abort()
      await Promise.all(listeners.map(listener => listener.close()))
    },
  }
}

function documentHandlers(options: ApiServerOptions): DocumentHandler[] {
  const { registry, metrics, readyChecks = [] } = options
  const discovery = new Discovery(registry)
  const openApi = new OpenApi(registry, discovery)
  let isReady = false
  void registry.whenReady().then(() => {
    isReady = true
  })
  const ping: HealthCheck = { name: 'ping', problem: () => undefined }
  const caches: HealthCheck = { name: 'informer-sync', problem: () => (isReady ? undefined : 'caches are filling') }
  return [
    exchange => discovery.handle(exchange),
    exchange => openApi.handle(exchange),
    versionHandler,
    healthHandler({ live: [ping], ready: [caches, ...readyChecks] }),
    metricsHandler(metrics),
    ...(options.documents ?? []),
  ]
}
