import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type SecureClientSessionOptions,
} from 'node:http2'
import type { ApiCall, ApiTransport, CallOptions, PatchType, WatchEvent } from '../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../machinery/json.ts'
import { type Status, statusErrorFrom } from '../machinery/status.ts'

const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_STATUS } = constants
/** A server that does not answer a request for so long counts as gone. */
const REQUEST_TIMEOUT_MS = 60_000
/**
 * A connection is asked for a sign of life this often, so that a watch never hangs on a dead one; and how long it may take
 * to answer, or to be made. TCP itself waits twice as long each time: after a minute without a network it would look again
 * only after another minute.
 */
const ASKED_EACH_MS = 5000
const ANSWER_MS_MAX = 8000
const ERROR_BODY_BYTES_MAX = 1024 * 1024

const METHODS: Record<ApiCall['verb'], string> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
}

const PATCH_MEDIA_TYPES: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

export interface HttpsTransportOptions {
  /** For example `https://127.0.0.1:6443`. */
  readonly server: string
  /** PEM. Absent: the system's authorities. */
  readonly certificateAuthority?: string
  readonly clientCertificate?: { readonly certificate: string; readonly key: string }
  /** Asked for before each request, so that rotated tokens are used at once. */
  readonly token?: () => string
  readonly userAgent?: string
  readonly skipTlsVerify?: boolean
  /** How often the server is asked for a sign of life, and how long it may take to answer. */
  readonly patience?: { readonly askEachMs: number; readonly answerMs: number }
}

/** The path and query of a call (API conventions, "Resource paths"). */
function pathOf({ group, version, resource, subresource, namespace, name, options, verb }: ApiCall): string {
  const parts = group ? ['apis', group, version] : ['api', version]
  if (namespace !== undefined && resource !== 'namespaces') parts.push('namespaces', namespace)
  parts.push(resource)
  if (name !== undefined) parts.push(name)
  if (subresource !== undefined) parts.push(subresource)
  const query = queryOf(options ?? {})
  if (verb === 'watch') query.set('watch', 'true')
  const search = query.toString()
  return `/${parts.map(encodeURIComponent).join('/')}${search ? `?${search}` : ''}`
}

function queryOf(options: CallOptions): URLSearchParams {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (key === 'dryRun') {
      if (value) query.set('dryRun', 'All')
    } else query.set(key, String(value))
  }
  return query
}

/** Calls an API server over HTTP/2 with TLS. One connection carries all requests and watches; it is renewed when it breaks. */
export class HttpsTransport implements ApiTransport, AsyncDisposable {
  readonly #options: HttpsTransportOptions
  #session: ClientHttp2Session | undefined
  /** Requests and watches under way on each connection. */
  readonly #underWay = new WeakMap<ClientHttp2Session, number>()

  constructor(options: HttpsTransportOptions) {
    this.#options = options
  }

  async request(call: ApiCall, signal?: AbortSignal): Promise<JsonObject> {
    const stream = this.#open(call, signal)
    stream.setTimeout(REQUEST_TIMEOUT_MS, () => stream.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MS} ms`)))
    const status = await statusOf(stream)
    const answer = parsedAs<JsonObject>(await textOf(stream))
    if (status >= 400) throw errorOf(status, answer)
    return call.verb === 'list' ? withItemKinds(answer) : answer
  }

  async *watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent> {
    if (signal.aborted) return
    const stream = this.#open(call, signal)
    try {
      const status = await statusOf(stream)
      if (status >= 400) throw errorOf(status, parsedAs(await textOf(stream)))
      for await (const line of linesOf(stream)) {
        const event = parsedAs<{ type: WatchEvent['type'] | 'ERROR'; object: JsonObject }>(line)
        if (event.type === 'ERROR') throw statusErrorFrom(event.object as unknown as Status)
        yield { type: event.type, object: event.object }
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      stream.close(constants.NGHTTP2_CANCEL)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session
    this.#session = undefined
    if (session && !session.destroyed) session.destroy()
  }

  #open(call: ApiCall, signal: AbortSignal | undefined): ClientHttp2Stream {
    signal?.throwIfAborted()
    const { token, userAgent = 'holdfast' } = this.#options
    const body = call.body === undefined ? undefined : JSON.stringify(call.body)
    const session = this.#connected()
    const stream = session.request(
      {
        [HTTP2_HEADER_METHOD]: METHODS[call.verb],
        [HTTP2_HEADER_PATH]: pathOf(call),
        accept: 'application/json',
        'user-agent': userAgent,
        ...(body !== undefined && { 'content-type': mediaTypeOf(call) }),
        ...(token && { authorization: `Bearer ${token()}` }),
      },
      { endStream: body === undefined, ...(signal && { signal }) },
    )
    this.#keepAliveWhile(session, stream)
    if (body !== undefined) stream.end(body)
    return stream
  }

  /** A process that waits for an answer goes on; an idle connection keeps none alive. */
  #keepAliveWhile(session: ClientHttp2Session, stream: ClientHttp2Stream): void {
    const open = (this.#underWay.get(session) ?? 0) + 1
    this.#underWay.set(session, open)
    session.ref()
    stream.once('close', () => {
      const left = this.#underWay.get(session)! - 1
      this.#underWay.set(session, left)
      if (left === 0) session.unref()
    })
  }

  #connected(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session
    const { server, certificateAuthority, clientCertificate, skipTlsVerify } = this.#options
    const tls: SecureClientSessionOptions = {
      ...(certificateAuthority && { ca: certificateAuthority }),
      ...(clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key }),
      ...(skipTlsVerify && { rejectUnauthorized: false }),
    }
    const session = connect(server, tls)
    session.on('error', () => {}) // Every stream on it fails with the same error and reports it.
    const { askEachMs, answerMs } = this.#options.patience ?? { askEachMs: ASKED_EACH_MS, answerMs: ANSWER_MS_MAX }
    const connecting = endLater(session, answerMs)
    session.once('connect', () => clearTimeout(connecting))
    // Not the session's own timeout: that calls back only once.
    const asking = setInterval(() => pingOrDestroy(session, answerMs), askEachMs).unref()
    session.once('close', () => clearInterval(asking))
    session.unref()
    this.#session = session
    return session
  }
}

/** Ends a connection unless the timer is cleared in time. */
function endLater(session: ClientHttp2Session, delayMs: number): NodeJS.Timeout {
  const late = new Error(`the server did not answer within ${delayMs} ms`)
  return setTimeout(() => session.destroy(late), delayMs).unref() // One that is closed already stays so.
}

function pingOrDestroy(session: ClientHttp2Session, answerMs: number): void {
  if (session.destroyed || session.connecting) return
  const waiting = endLater(session, answerMs)
  const isSent = session.ping(error => {
    clearTimeout(waiting)
    if (error) session.destroy()
  })
  if (!isSent) session.destroy()
}

const mediaTypeOf = ({ patchType }: ApiCall): string => (patchType ? PATCH_MEDIA_TYPES[patchType] : 'application/json')

function statusOf(stream: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.once('response', headers => resolve(Number(headers[HTTP2_HEADER_STATUS])))
    stream.once('error', reject)
    stream.once('close', () => reject(new Error('the connection closed before an answer came')))
  })
}

async function textOf(stream: ClientHttp2Stream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

async function* linesOf(stream: ClientHttp2Stream): AsyncIterable<string> {
  let rest: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8')
      rest = []
      from = end + 1
      if (line !== '') yield line
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
  }
}

function parsedAs<T>(text: string): T {
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new Error(`the server answered with something other than JSON: ${text.slice(0, 200)}`, { cause })
  }
}

function errorOf(code: number, answer: JsonObject): Error {
  if (answer.kind === 'Status') return statusErrorFrom(answer as unknown as Status)
  return new Error(`the server answered ${code}: ${JSON.stringify(answer).slice(0, ERROR_BODY_BYTES_MAX)}`)
}

/** Items of lists carry no kind on the wire (upstream leaves it out); ours always do. */
function withItemKinds(list: JsonObject): JsonObject {
  const { kind, apiVersion, items } = list
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return list
  const itemKind = kind.slice(0, -'List'.length)
  const named = (items as readonly JsonValue[]).map(item =>
    typeof item === 'object' && item !== null && !('kind' in item) ? { kind: itemKind, apiVersion, ...item } : item,
  )
  return { ...list, items: named as readonly JsonValue[] }
}
