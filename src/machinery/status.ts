import type { FieldError } from './field-error.ts'

/** Reasons of API conventions, "Response Status Kind". Callers look at these, never at message text. */
export type StatusReason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Expired'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'Invalid'
  | 'TooManyRequests'
  | 'ServerTimeout'
  | 'Timeout'
  | 'InternalError'
  | 'ServiceUnavailable'
  | ''

export interface StatusCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly uid?: string
  readonly causes?: readonly StatusCause[]
  readonly retryAfterSeconds?: number
}

/** `meta/v1 Status` as clients receive it. */
export interface Status {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: object
  readonly status: 'Success' | 'Failure'
  readonly message?: string
  readonly reason?: StatusReason
  readonly details?: StatusDetails
  readonly code: number
}

/** What a resource is called in messages: `pods "web-0" not found`, `statefulsets.apps "web" already exists`. */
export interface ResourceName {
  readonly group: string
  readonly resource: string
}

/** A failure with an API meaning. The server turns it into a Status; the client rebuilds the same error from one. */
export class StatusError extends Error {
  override name = 'StatusError'
  readonly status: Status

  constructor(status: Status, options?: ErrorOptions) {
    super(status.message, options)
    this.status = status
  }

  get code(): number {
    return this.status.code
  }

  get reason(): StatusReason {
    return this.status.reason ?? ''
  }
}

export const isStatusError = (error: unknown, reason?: StatusReason): error is StatusError =>
  error instanceof StatusError && (reason === undefined || error.reason === reason)

function failure(
  code: number,
  reason: StatusReason,
  message: string,
  extra: { details?: StatusDetails; cause?: unknown } = {},
): StatusError {
  const { details, cause } = extra
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details && { details }),
    code,
  }
  return new StatusError(status, cause === undefined ? undefined : { cause })
}

const qualified = ({ group, resource }: ResourceName): string => (group ? `${resource}.${group}` : resource)
const detailsOf = ({ group, resource }: ResourceName, name: string): StatusDetails => ({
  ...(name && { name }),
  ...(group && { group }),
  kind: resource,
})

export const badRequest = (message: string): StatusError => failure(400, 'BadRequest', message)
export const unauthorized = (message = 'Unauthorized'): StatusError => failure(401, 'Unauthorized', message)

export const forbiddenTo = (resource: ResourceName, name: string, why: string): StatusError =>
  failure(403, 'Forbidden', `${qualified(resource)}${name ? ` "${name}"` : ''} is forbidden: ${why}`, {
    details: detailsOf(resource, name),
  })

export const notFound = (resource: ResourceName, name: string): StatusError =>
  failure(404, 'NotFound', `${qualified(resource)} "${name}" not found`, { details: detailsOf(resource, name) })

/** The path names no resource at all. */
export const noSuchPath = (): StatusError =>
  failure(404, 'NotFound', 'the server could not find the requested resource', { details: {} })

export const methodNotSupported = (resource: ResourceName, verb: string): StatusError =>
  failure(405, 'MethodNotAllowed', `${verb} is not supported on resources of kind "${qualified(resource)}"`, {
    details: detailsOf(resource, ''),
  })

export const notAcceptable = (accepted: readonly string[]): StatusError =>
  failure(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`)

export const alreadyExists = (resource: ResourceName, name: string): StatusError =>
  failure(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, {
    details: detailsOf(resource, name),
  })

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

export const conflict = (
  resource: ResourceName,
  name: string,
  why: string = MODIFIED,
  causes?: readonly StatusCause[],
): StatusError =>
  failure(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, {
    details: { ...detailsOf(resource, name), ...(causes && { causes }) },
  })

/** Server-side apply met fields that others own; `causes` names each with its manager. */
export function applyConflict(causes: readonly StatusCause[]): StatusError {
  const lines = causes.map(({ message, field }) => `${message}: ${field}`)
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${lines[0]}`
      : `Apply failed with ${causes.length} conflicts: ${lines.map(line => `\n- ${line}`).join('')}`
  return failure(409, 'Conflict', message, { details: { causes } })
}

export const expired = (message: string): StatusError => failure(410, 'Expired', message)

export const requestEntityTooLarge = (message: string): StatusError => failure(413, 'RequestEntityTooLarge', message)

export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )

/** A patch that is well formed but does not fit the object. */
export const invalidPatch = (message: string): StatusError => failure(422, 'Invalid', message)

/** One Invalid for all broken rules of an object (API conventions; `kind` is the object's kind, not its resource). */
export function invalidObject(
  kind: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const lines = errors.map(({ field, message }) => (field ? `${field}: ${message}` : message))
  const text = lines.length === 1 ? lines[0]! : `[${lines.join(', ')}]`
  const title = kind.group ? `${kind.kind}.${kind.group}` : kind.kind
  return failure(422, 'Invalid', `${title} "${name}" is invalid: ${text}`, {
    details: {
      ...(name && { name }),
      ...(kind.group && { group: kind.group }),
      kind: kind.kind,
      causes: errors.map(({ reason, field, message }) => ({ reason, message, field })),
    },
  })
}

export const tooManyRequests = (
  message: string,
  retryAfterSeconds: number,
  causes?: readonly StatusCause[],
): StatusError =>
  failure(429, 'TooManyRequests', message, { details: { retryAfterSeconds, ...(causes && { causes }) } })

export const timedOut = (message: string): StatusError => failure(504, 'Timeout', message)

/** The client's view has not been reached yet (`resourceVersion` from the future). */
export const resourceVersionTooLarge = (asked: string, current: string): StatusError =>
  failure(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  })

export const serviceUnavailable = (message: string, cause?: unknown): StatusError =>
  failure(503, 'ServiceUnavailable', message, { cause })

/** The unexpected. The caller learns nothing of the inside; the server's log has the cause. */
export const internalError = (cause: unknown): StatusError =>
  failure(500, 'InternalError', 'Internal error occurred', { cause })

/** Any other code, for what another server sent. */
export const statusErrorFrom = (status: Status): StatusError => new StatusError(status)
