import type { CallOptions } from '../../machinery/api-call.ts'
import { type FieldError, forbidden, notSupported } from '../../machinery/field-error.ts'
import { badRequest, invalidObject } from '../../machinery/status.ts'
import { type Revision, revision } from '../../store/store.ts'

const LIST_OPTIONS = { group: 'meta.k8s.io', kind: 'ListOptions' }

/** Reads `resourceVersion`. Undefined when not given. Throws 400 for what is no version. */
export function parseResourceVersion(text: string | undefined): Revision | undefined {
  if (text === undefined || text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) {
    throw badRequest(
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  }
  return revision(Number(text))
}

/** The rules of KEP-2523 and KEP-3157 on which options of a list go together. */
export function checkListOptions(options: CallOptions): void {
  const match = options.resourceVersionMatch
  const errors: FieldError[] = []
  const fail = (detail: string): void => void errors.push(forbidden('resourceVersionMatch', detail))
  if (match) {
    if (options.continue) fail('resourceVersionMatch is forbidden when continue is provided')
    if (!options.resourceVersion) fail('resourceVersionMatch is forbidden unless resourceVersion is provided')
    if (!isMatch(match)) errors.push(notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']))
    if (match === 'Exact' && options.resourceVersion === '0') {
      fail('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  }
  if (errors.length > 0) throw invalidObject(LIST_OPTIONS, '', errors)
  if (options.limit !== undefined && options.limit < 0) throw badRequest('limit must not be negative')
  if (options.continue && options.resourceVersion && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
}

/** The rules on which options of a watch go together. */
export function checkWatchOptions(options: CallOptions): void {
  const { resourceVersionMatch: match, sendInitialEvents } = options
  const errors: FieldError[] = []
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.push(
      forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    )
  }
  if (sendInitialEvents === undefined && match) {
    errors.push(
      forbidden(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      ),
    )
  }
  if (options.continue) throw badRequest('continue is not allowed for watch')
  if (errors.length > 0) throw invalidObject(LIST_OPTIONS, '', errors)
}

const isMatch = (text: string): boolean => text === 'Exact' || text === 'NotOlderThan'
