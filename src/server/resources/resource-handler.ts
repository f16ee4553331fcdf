import type { ApiCall, CallOptions, Verb } from '../../machinery/api-call.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import { integerBelow, type Random } from '../../machinery/random.ts'
import { badRequest, methodNotSupported } from '../../machinery/status.ts'
import type {
  CallContext,
  EncodedWatch,
  EncodedWatchEvent,
  EncodedWatchIterator,
  UserInfo,
} from '../../registry/resource.ts'
import { type Accepted, acceptedOf } from '../http/accept.ts'
import { decodedBodyOf, patchTypeOf } from '../http/body.ts'
import { callOptionsOf } from '../http/call-options.ts'
import type { Exchange } from '../http/exchange.ts'
import { send } from '../http/reply.ts'
import type { ResourceRequest } from '../http/request-info.ts'
import { addWarnings } from '../http/warnings.ts'
import { deleteBodyWith, effectiveDeleteBody } from './delete-options.ts'
import type { Dispatcher } from './dispatcher.ts'
import { includeObjectOf, listBytes, objectBytes, type View, WatchShaper } from './representation.ts'
import type { WatchFlusher } from './watch-outbox.ts'
import { lineOf, sharedLineOf, streamWatch } from './watch-stream.ts'

export interface ResourceHandlerDependencies {
  readonly dispatcher: Dispatcher
  readonly flusher: WatchFlusher
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Aborted when the server closes, so that watches end and clients look for another server. */
  readonly closing: AbortSignal
}

/** A watch without a timeout of its own ends after 30 to 60 minutes, spread so that clients do not return all at once. */
const WATCH_SECONDS_MIN = 1800

/** Answers an authorised request for a resource. */
export class ResourceHandler {
  readonly #dependencies: ResourceHandlerDependencies

  constructor(dependencies: ResourceHandlerDependencies) {
    this.#dependencies = dependencies
  }

  async handle(exchange: Exchange, info: ResourceRequest, user: UserInfo): Promise<void> {
    const accepted = acceptedOf(exchange.headers.accept)
    const call = await callOf(exchange, info)
    const warnings: string[] = []
    const warn = (text: string): void => void warnings.push(text)
    const checked = this.#checkDuplicates(call, warn)
    switch (call.verb) {
      case 'watch':
        return this.#watch(exchange, { call, accepted, context: { user, warn } })
      case 'list':
        return this.#list(exchange, { call, accepted, context: { user, warn } })
      default: {
        let hasCreated = call.verb === 'create'
        const created = (): void => {
          hasCreated = true
        }
        const encoded = await this.#dependencies.dispatcher.handle(checked, { user, warn, created })
        addWarnings(exchange, warnings)
        const body = objectBytes(encoded, this.#view(exchange, call, accepted))
        return send(exchange, { code: hasCreated ? 201 : 200, mediaType: accepted.mediaType, body })
      }
    }
  }

  async #list(exchange: Exchange, { call, accepted, context }: Asked): Promise<void> {
    const view = this.#view(exchange, call, accepted)
    const list = await this.#dependencies.dispatcher.list(call, context)
    return send(exchange, { code: 200, mediaType: accepted.mediaType, body: listBytes(list, view) })
  }

  async #watch(exchange: Exchange, { call, accepted, context }: Asked): Promise<void> {
    const { dispatcher, clock, logger, flusher, closing } = this.#dependencies
    const view = this.#view(exchange, call, accepted)
    const timeout = new AbortController()
    using _timer = clock.schedule(this.#watchSeconds(call.options) * 1000, () => timeout.abort())
    const signal = AbortSignal.any([exchange.signal, timeout.signal, closing])
    const events = await started(dispatcher.watch(call, { ...context, signal }), clock)
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' }
    const writable = exchange.stream({ code: 200, headers })
    await streamWatch({
      events,
      writable,
      lineOf: lineMaker(view, () => clock.now()),
      flusher,
      clock,
      onUnexpected: err => logger.error({ err, path: exchange.path }, 'watch failed unexpectedly'),
    })
  }

  /** Members named twice are only visible while decoding, so their part of field validation happens here. */
  #checkDuplicates({ duplicateFields, ...call }: CallWithDuplicates, warn: (text: string) => void): ApiCall {
    if (duplicateFields.length === 0 || call.options?.fieldValidation === 'Ignore') return call
    const problems = duplicateFields.map(field => `duplicate field "${field}"`)
    if (call.options?.fieldValidation === 'Strict') {
      const { kind, version } = this.#dependencies.dispatcher.resourceFor(call).info
      const what = call.verb === 'patch' ? '' : `${kind} in version "${version}" cannot be handled as a ${kind}: `
      throw badRequest(`${what}strict decoding error: ${problems.join(', ')}`)
    }
    for (const problem of problems) warn(problem)
    return call
  }

  #watchSeconds(options: CallOptions | undefined): number {
    const asked = options?.timeoutSeconds ?? 0
    return asked > 0 ? asked : WATCH_SECONDS_MIN + integerBelow(this.#dependencies.random, WATCH_SECONDS_MIN)
  }

  #view(exchange: Exchange, call: ApiCall, accepted: Accepted): View {
    const resource = this.#dependencies.dispatcher.resourceFor(call)
    const isTabled = accepted.shape === 'Table' && call.subresource === undefined
    const includeObject = includeObjectOf(exchange.query.get('includeObject'))
    const shown = accepted.shape === 'Table' && !isTabled ? { ...accepted, shape: 'Object' as const } : accepted
    return { accepted: shown, resource, includeObject, now: this.#dependencies.clock.now() }
  }
}

interface Asked {
  readonly call: ApiCall
  readonly accepted: Accepted
  readonly context: CallContext
}

type CallWithDuplicates = ApiCall & { readonly duplicateFields: readonly string[] }

const VERBS: ReadonlySet<string> = new Set([
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
])
const isVerb = (verb: string): verb is Verb => VERBS.has(verb)

async function callOf(exchange: Exchange, info: ResourceRequest): Promise<CallWithDuplicates> {
  const { verb, group, version, resource, subresource, namespace, name } = info
  if (!isVerb(verb)) throw methodNotSupported({ group, resource }, exchange.method)
  const hasBody = verb !== 'get' && verb !== 'list' && verb !== 'watch'
  const patchType = verb === 'patch' ? patchTypeOf(exchange) : undefined
  const decoded = hasBody ? await decodedBodyOf(exchange) : undefined
  const isDelete = verb === 'delete' || verb === 'deletecollection'
  const body = isDelete ? deleteBodyWith(decoded?.value, exchange.query) : decoded?.value
  if (hasBody && !isDelete && body === undefined) throw badRequest('the body of the request is empty')
  const isNamespace = group === '' && resource === 'namespaces'
  const call: ApiCall = {
    verb,
    group,
    version,
    resource,
    ...(subresource && { subresource }),
    ...(namespace && !isNamespace && { namespace }),
    ...(name && verb !== 'watch' && { name }),
    options: optionsOf(exchange, info),
    ...(body !== undefined && { body }),
    ...(patchType && { patchType }),
  }
  return { ...(isDelete ? effectiveDeleteBody(call) : call), duplicateFields: decoded?.duplicateFields ?? [] }
}

/** Watching one object is watching a list of one. */
function optionsOf(exchange: Exchange, { verb, name }: ResourceRequest): CallOptions {
  const options = callOptionsOf(exchange.query)
  if (verb !== 'watch' || name === '') return options
  const own = `metadata.name=${name}`
  return { ...options, fieldSelector: options.fieldSelector ? `${options.fieldSelector},${own}` : own }
}

/**
 * Gives a watch one moment to fail, so that bad selectors and revisions are refused with a status code of their own.
 * What fails later becomes an ERROR event.
 */
async function started(events: EncodedWatch, clock: Clock): Promise<EncodedWatchIterator> {
  const iterator = events[Symbol.asyncIterator]()
  const first = iterator.next()
  await Promise.race([first, clock.sleep(0)])
  let taken = false
  return {
    next() {
      if (taken) return iterator.next()
      taken = true
      return first
    },
    take: () => iterator.take?.(),
    async return() {
      await iterator.return?.()
      return { done: true, value: undefined }
    },
  }
}

function lineMaker(view: View, now: () => Date): (event: EncodedWatchEvent) => Uint8Array {
  if (view.accepted.shape === 'Object') return sharedLineOf
  const shaper = new WatchShaper(view, now)
  return ({ type, encoded }) => lineOf(type, shaper.bytesOf(encoded, type === 'BOOKMARK'))
}
