import { isUtf8 } from 'node:buffer'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { PatchType } from '../../machinery/api-call.ts'
import { badRequest, requestEntityTooLarge, timedOut, unsupportedMediaType } from '../../machinery/status.ts'
import type { Exchange } from './exchange.ts'
import { BodyError, type DecodedBody, decodeJson } from './json-text.ts'
import { decodeYaml } from './yaml-text.ts'

/** Kubernetes' own limit on a request. */
const BODY_BYTES_MAX = 3 * 1024 * 1024

const gunzipped = promisify(gunzip)

const PATCH_TYPES = new Map<string, PatchType>([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
  ['application/apply-patch+json', 'apply'],
])

export function patchTypeOf(exchange: Exchange): PatchType {
  const patchType = PATCH_TYPES.get(mediaTypeOf(exchange))
  if (patchType) return patchType
  throw unsupportedMediaType([...PATCH_TYPES.keys()].slice(0, 4))
}

const mediaTypeOf = (exchange: Exchange): string =>
  (exchange.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()

/** Reads and parses the body. Undefined when there is none. Throws 400, 413 or 415. */
export async function decodedBodyOf(exchange: Exchange): Promise<DecodedBody | undefined> {
  const bytes = await readBody(exchange)
  if (bytes.length === 0) return undefined
  if (mediaTypeOf(exchange) === PROTOBUF) return decodedProtobuf(bytes)
  if (!isUtf8(bytes)) throw badRequest('the body is not valid UTF-8')
  const text = bytes.toString('utf8')
  try {
    return isYaml(exchange, text) ? decodeYaml(text) : decodeJson(text)
  } catch (error) {
    if (error instanceof BodyError) throw badRequest(error.message)
    throw error
  }
}

const PROTOBUF = 'application/vnd.kubernetes.protobuf'

/** Loaded when the first such body comes: the library and the schema cost memory that many servers never need. */
async function decodedProtobuf(bytes: Buffer): Promise<DecodedBody> {
  const { decodeProtobuf } = await import('./protobuf-body.ts')
  try {
    return { value: decodeProtobuf(bytes), duplicateFields: [] }
  } catch (error) {
    if (error instanceof BodyError) throw badRequest(error.message)
    throw error
  }
}

function isYaml(exchange: Exchange, text: string): boolean {
  const mediaType = mediaTypeOf(exchange)
  switch (mediaType) {
    case '':
    case 'application/json':
    case 'application/json-patch+json':
    case 'application/merge-patch+json':
    case 'application/strategic-merge-patch+json':
    case 'application/apply-patch+json':
      return false
    case 'application/yaml':
      return true
    case 'application/apply-patch+yaml':
      return !/^\s*\{/.test(text) // kubectl sends JSON under this name, and JSON is quicker to read.
    default:
      throw unsupportedMediaType(['application/json', 'application/yaml', PROTOBUF])
  }
}

const tooLarge = (): Error => requestEntityTooLarge(`Request entity too large: limit is ${BODY_BYTES_MAX}`)

/** The whole body, inflated. Throws RequestEntityTooLarge as soon as it is known to be too long. */
async function readBody(exchange: Exchange): Promise<Buffer> {
  if (Number(exchange.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw tooLarge()
  const raw = await collected(exchange)
  const encoding = exchange.headers['content-encoding']
  if (!encoding || encoding === 'identity' || raw.length === 0) return raw
  if (encoding !== 'gzip') throw unsupportedMediaType(['gzip', 'identity'])
  try {
    return await gunzipped(raw, { maxOutputLength: BODY_BYTES_MAX })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
    throw badRequest('the body is not valid gzip')
  }
}

function collected(exchange: Exchange): Promise<Buffer> {
  const { incoming } = exchange
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let length = 0
    incoming.on('data', (piece: Buffer) => {
      length += piece.length
      if (length > BODY_BYTES_MAX) {
        incoming.removeAllListeners('data')
        reject(tooLarge())
      } else if (exchange.isOverdue) {
        incoming.removeAllListeners('data')
        reject(timedOut('the request was not complete in time'))
      } else pieces.push(piece)
    })
    let isWhole = false
    const endEarly = (): void => {
      if (!isWhole) reject(badRequest('the body ended early'))
    }
    incoming.on('end', () => {
      isWhole = true
      resolve(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces))
    })
    incoming.on('error', endEarly)
    incoming.on('close', endEarly)
  })
}
