import { badRequest } from '../../machinery/status.ts'
import { type KeyRange, type Revision, revision } from '../../store/store.ts'

/** Where a list goes on. Opaque to clients. */
export interface ContinueToken {
  /** Absent: at whatever the revision is when it is used. */
  readonly revision?: Revision
  /** The first key of the next page. */
  readonly start: string
}

/** The token's text does not hold the resource's prefix, so that one of another resource cannot be misread. */
export function continueText({ revision: at, start }: ContinueToken, prefix: string): string {
  const payload = { v: 'holdfast/v1', rv: at ?? -1, start: start.slice(prefix.length) }
  return Buffer.from(JSON.stringify(payload)).toString('base64url')
}

/** Reads a token for a list of `range`. Throws 400 for any other text. */
export function parseContinue(text: string, range: KeyRange): ContinueToken {
  const payload = payloadOf(text)
  const prefix = range.start.split('/').slice(0, 3).join('/')
  const start = `${prefix}/${payload.start}`
  if (start < range.start || start >= range.end)
    throw badRequest('continue key is not valid: it points outside of the list')
  return payload.rv < 0 ? { start } : { start, revision: revision(payload.rv) }
}

function payloadOf(text: string): { readonly rv: number; readonly start: string } {
  try {
    const payload: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (isPayload(payload)) return payload
  } catch {
    throw badRequest('continue key is not valid: it cannot be decoded')
  }
  throw badRequest('continue key is not valid: server does not recognize this encoded version')
}

function isPayload(value: unknown): value is { readonly rv: number; readonly start: string } {
  if (typeof value !== 'object' || value === null) return false
  const { v, rv, start } = value as { v?: unknown; rv?: unknown; start?: unknown }
  return (
    v === 'holdfast/v1' && typeof start === 'string' && typeof rv === 'number' && Number.isSafeInteger(rv) && rv >= -1
  )
}
