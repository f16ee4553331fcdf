import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { stringify } from 'yaml'
import type { Logger } from '../../machinery/logger.ts'
import { internalError, StatusError } from '../../machinery/status.ts'
import type { MediaType } from './accept.ts'
import type { Exchange } from './exchange.ts'

/** Smaller bodies cost more to compress than to send (upstream's own threshold). */
const GZIP_BYTES_MIN = 128 * 1024
const compressed = promisify(gzip)

export interface Reply {
  readonly code: number
  readonly mediaType: string
  readonly body: Uint8Array
  readonly headers?: Record<string, string>
}

/** One way to write an object. Protobuf will be one more. */
export interface Encoder {
  readonly mediaType: MediaType
  encode(value: unknown): Uint8Array
  /** Turns the shared JSON of an object into this encoding. */
  fromJson(json: Uint8Array): Uint8Array
}

export const encoders: { readonly [K in MediaType]: Encoder } = {
  'application/json': {
    mediaType: 'application/json',
    encode: value => Buffer.from(JSON.stringify(value)),
    fromJson: json => json,
  },
  'application/yaml': {
    mediaType: 'application/yaml',
    encode: value => Buffer.from(stringify(value, { aliasDuplicateObjects: false })),
    fromJson: json => Buffer.from(stringify(JSON.parse(Buffer.from(json).toString('utf8')))),
  },
}

/** Sends a complete answer, compressed when it is large and the client can read that. */
export async function send(exchange: Exchange, { code, mediaType, body, headers }: Reply): Promise<void> {
  const head = { 'content-type': mediaType, 'cache-control': 'no-cache, private', ...headers }
  if (body.length < GZIP_BYTES_MIN || !/\bgzip\b/.test(String(exchange.headers['accept-encoding'] ?? ''))) {
    return exchange.respond({ code, headers: head }, body)
  }
  const small = await compressed(body, { level: 1 })
  exchange.respond({ code, headers: { ...head, 'content-encoding': 'gzip', vary: 'Accept-Encoding' } }, small)
}

export const sendJson = (exchange: Exchange, value: unknown, code = 200): Promise<void> =>
  send(exchange, { code, mediaType: 'application/json', body: encoders['application/json'].encode(value) })

export function sendText(exchange: Exchange, text: string, code = 200): void {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }
  exchange.respond({ code, headers: { ...headers, 'cache-control': 'no-cache, private' } }, Buffer.from(text))
}

/** The one place where a failure becomes an answer: what is unexpected is logged here and told to nobody. */
export function sendError(exchange: Exchange, error: unknown, logger: Logger): void {
  const known = error instanceof StatusError ? error : internalError(error)
  if (!(error instanceof StatusError)) {
    const auditId = exchange.commonHeaders['audit-id']
    logger.error({ err: error, auditId, method: exchange.method, path: exchange.path }, 'request failed unexpectedly')
  }
  const retryAfter = known.status.details?.retryAfterSeconds
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  }
  exchange.respond({ code: known.code, headers }, Buffer.from(JSON.stringify(known.status)))
}
