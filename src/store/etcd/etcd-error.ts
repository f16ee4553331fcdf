import { type ServiceError, status } from '@grpc/grpc-js'
import { closed } from '../bounds.ts'
import { StoreError, type StoreErrorCode } from '../store.ts'

/** What etcd says in its messages; its status codes alone do not tell these apart. */
const CODES: readonly { readonly pattern: RegExp; readonly code: StoreErrorCode; readonly says: string }[] = [
  { pattern: /has been compacted/, code: 'compacted', says: 'the revision was forgotten' },
  { pattern: /is a future revision/, code: 'future', says: 'the revision has not happened yet' },
  { pattern: /database space exceeded|no space/, code: 'full', says: 'etcd has no room left; nothing was written' },
  {
    pattern: /request is too large|message larger than max/,
    code: 'invalid',
    says: 'the value is larger than this etcd takes; see its flag --max-request-bytes',
  },
]

export const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && 'code' in error && 'details' in error

/** Whether the call may go better with another endpoint. */
export const isUnreachable = (error: ServiceError): boolean =>
  error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED

/** Whether the token that came with the call has run out. */
export const isTokenRefused = (error: ServiceError): boolean =>
  error.code === status.UNAUTHENTICATED || /invalid auth token/.test(error.details)

export function storeErrorFrom(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  if (!isServiceError(error)) return new StoreError('unavailable', `etcd: ${String(error)}`, { cause: error })
  if (error.code === status.CANCELLED) return closed()
  const known = CODES.find(({ pattern }) => pattern.test(error.details))
  if (known) return new StoreError(known.code, known.says, { cause: error })
  return new StoreError('unavailable', `etcd cannot be reached or does not answer: ${error.details}`, { cause: error })
}
