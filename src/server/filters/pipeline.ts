import { Gauge, type Registry as MetricsRegistry } from 'prom-client'
import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import { type Random, uuidFrom } from '../../machinery/random.ts'
import { badRequest, noSuchPath, unauthorized } from '../../machinery/status.ts'
import type { UserInfo } from '../../registry/resource.ts'
import { ANONYMOUS, type Authenticator } from '../authentication/authenticator.ts'
import { impersonated } from '../authentication/impersonation.ts'
import { authenticated } from '../authentication/request-authenticator.ts'
import type { Attributes, Authorizer } from '../authorization/authorizer.ts'
import { requireAllowed } from '../authorization/forbidden.ts'
import { selectedName } from '../authorization/selected-name.ts'
import type { DocumentHandler } from '../documents/document.ts'
import type { Exchange } from '../http/exchange.ts'
import { sendError } from '../http/reply.ts'
import { MalformedPathError, type RequestInfo, requestInfoOf } from '../http/request-info.ts'
import type { ResourceHandler } from '../resources/resource-handler.ts'
import type { StreamRelay } from '../streams/stream-relay.ts'
import { type Filter, filtered, type Handler, type Request } from './filter.ts'
import { InFlightLimiter } from './in-flight.ts'
import { isLong, measuring } from './measuring.ts'

export interface PipelineDependencies {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  readonly authentication: readonly Authenticator[]
  readonly authorization: Authorizer
  readonly resources: ResourceHandler
  readonly documents: readonly DocumentHandler[]
  readonly streams?: StreamRelay
}

/**
 * Every request passes the same filters, in this order. A later one may rely on all that the earlier ones found out:
 * audit id, authentication, impersonation, limits, authorisation, and then whoever answers.
 */
export function requestPipeline(dependencies: PipelineDependencies): (exchange: Exchange) => void {
  const handler = filtered(
    [
      measuring(dependencies),
      authentication(dependencies),
      impersonation(dependencies),
      limits(dependencies),
      authorization(dependencies),
    ],
    answering(dependencies),
  )
  return exchange => {
    exchange.commonHeaders['audit-id'] = uuidFrom(dependencies.random)
    void handled(exchange, handler, dependencies.logger)
  }
}

/** The outermost guard: whatever happens inside, the client gets an answer and the process goes on. */
async function handled(exchange: Exchange, handler: Handler, logger: Logger): Promise<void> {
  try {
    await handler({ exchange, info: infoOf(exchange), user: ANONYMOUS })
  } catch (error) {
    try {
      sendError(exchange, error, logger)
    } catch (err) {
      logger.error({ err }, 'reply failed')
      exchange.incoming.destroy()
    }
  }
}

function infoOf({ method, path, query }: Exchange): RequestInfo {
  try {
    return requestInfoOf(method, path, query)
  } catch (error) {
    if (error instanceof MalformedPathError) throw badRequest(error.message)
    throw error
  }
}

function authentication({ authentication: authenticators, clock }: PipelineDependencies): Filter {
  return (request, next) => {
    const { certificateEndMs } = request.exchange.peer
    if (certificateEndMs !== undefined && clock.now().getTime() > certificateEndMs) throw unauthorized()
    const goOn = (user: UserInfo | undefined): Promise<void> => {
      request.user = user ?? ANONYMOUS
      return next(request)
    }
    const user = authenticated(authenticators, request.exchange)
    return user instanceof Promise ? user.then(goOn) : goOn(user) // Hardly any way of finding out has to wait.
  }
}

function impersonation({ authorization: authorizer }: PipelineDependencies): Filter {
  return (request, next) => {
    request.user = impersonated(request.exchange, request.user, authorizer) ?? request.user
    return next(request)
  }
}

/** Upstream's numbers for requests; watches live long and cost little. */
const MUTATING_MAX = 200
const READING_MAX = 400
const WATCHES_MAX = 20_000
const QUEUED_PER_USER_MAX = 500
const WAIT_MS_MAX = 30_000

function limits({ clock, metrics }: PipelineDependencies): Filter {
  const limiter = (concurrencyMax: number, queuedPerUserMax: number): InFlightLimiter =>
    new InFlightLimiter({ concurrencyMax, queuedPerUserMax, waitMsMax: WAIT_MS_MAX }, clock)
  const limiters = {
    mutating: limiter(MUTATING_MAX, QUEUED_PER_USER_MAX),
    reading: limiter(READING_MAX, QUEUED_PER_USER_MAX),
    watching: limiter(WATCHES_MAX, 0),
  }
  new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Requests being answered now, by class.',
    labelNames: ['request_kind'],
    registers: [metrics],
    collect() {
      for (const [kind, { running }] of Object.entries(limiters)) this.set({ request_kind: kind }, running)
    },
  })
  return async (request, next) => {
    if (!request.info.isResource && isHealthPath(request.info.path)) return next(request)
    const own = limiters[classOf(request)]
    const wait = own.acquire(request.user.name)
    if (wait) await wait
    try {
      await next(request)
    } finally {
      own.release(request.user.name)
    }
  }
}

const isHealthPath = (path: string): boolean => /^\/(livez|readyz|healthz)(\/|$)/.test(path)
function classOf(request: Request): 'mutating' | 'reading' | 'watching' {
  if (isLong(request)) return 'watching'
  const { verb } = request.info
  return verb === 'get' || verb === 'list' || verb === 'head' || verb === 'options' ? 'reading' : 'mutating'
}

function authorization({ authorization: authorizer }: PipelineDependencies): Filter {
  return (request, next) => {
    for (const attributes of attributesOf(request)) requireAllowed(authorizer, attributes)
    return next(request)
  }
}

/** Streams by which a Pod is entered need `create`, by whichever method the protocol begins (KEP-5589 of 1.35). */
const ENTERING: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward'])

function attributesOf({ info, user, exchange: { query } }: Request): Attributes[] {
  if (!info.isResource) return [{ isResource: false, user, verb: info.verb, path: info.path }]
  const { verb, group, version, resource, subresource, namespace } = info
  const name = info.name || selectedName(verb, query.get('fieldSelector'))
  const attributes: Attributes = {
    isResource: true,
    user,
    verb,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
  }
  const isEntering = resource === 'pods' && ENTERING.has(subresource) && verb !== 'create'
  return isEntering ? [attributes, { ...attributes, verb: 'create' }] : [attributes]
}

function answering({ resources, documents, streams }: PipelineDependencies): Handler {
  const answerDocument = async ({ exchange, user }: Request): Promise<void> => {
    for (const document of documents) {
      if (await document(exchange, user)) return
    }
    throw noSuchPath()
  }
  return request => {
    const { exchange, info, user } = request
    if (info.isResource) {
      if (streams?.handles(info)) return streams.relay(exchange, info)
      if (exchange.upgrade) throw badRequest('this resource cannot be upgraded to another protocol')
      return resources.handle(exchange, info, user)
    }
    if (info.verb !== 'get' && info.verb !== 'head') throw noSuchPath()
    return answerDocument(request)
  }
}
