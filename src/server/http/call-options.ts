import type { CallOptions } from '../../machinery/api-call.ts'
import { notSupported } from '../../machinery/field-error.ts'
import { badRequest, invalidObject } from '../../machinery/status.ts'
import { isTrue } from './request-info.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Reads query parameters. What is malformed is refused with a 400 (or, for enumerations, a 422) naming the parameter. */
export function callOptionsOf(query: URLSearchParams): CallOptions {
  const options: Mutable<CallOptions> = {}
  for (const [name, value] of query) read(options, name, value)
  return options
}

function read(options: Mutable<CallOptions>, name: string, value: string): void {
  switch (name) {
    case 'labelSelector':
    case 'fieldSelector':
    case 'continue':
    case 'resourceVersion':
    case 'fieldManager':
      if (value !== '') options[name] = value
      return
    case 'limit':
    case 'timeoutSeconds':
      if (value !== '') options[name] = wholeNumber(name, value)
      return
    case 'sendInitialEvents':
    case 'allowWatchBookmarks':
    case 'force':
      options[name] = isTrue(value)
      return
    case 'resourceVersionMatch':
      if (value !== '') options.resourceVersionMatch = oneOf(name, value, ['Exact', 'NotOlderThan'])
      return
    case 'fieldValidation':
      if (value !== '') options.fieldValidation = oneOf(name, value, ['Ignore', 'Warn', 'Strict'])
      return
    case 'dryRun':
      if (value !== '') options.dryRun = oneOf(name, value, ['All']) === 'All'
  }
}

/** A whole number of a query parameter. */
export function wholeNumber(name: string, value: string): number {
  const number = Number(value)
  if (/^-?\d{1,19}$/.test(value) && Number.isSafeInteger(number)) return number
  throw badRequest(`unable to decode the query parameter "${name}": "${value}" is not a whole number`)
}

function oneOf<const T extends string>(name: string, value: string, supported: readonly T[]): T {
  const known = supported.find(candidate => candidate === value)
  if (known) return known
  const kind = name === 'resourceVersionMatch' ? 'ListOptions' : 'CreateOptions'
  throw invalidObject({ group: 'meta.k8s.io', kind }, '', [notSupported(name, value, supported)])
}
