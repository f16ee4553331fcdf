import type { LabelSelector } from '../../api/meta-v1/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-error.ts'
import { addressBytesOf, addressPrefixOf } from '../../machinery/ip-address.ts'
import { labelValueProblems, qualifiedNameProblems } from '../../machinery/names.ts'

/** Rules that many kinds share. Each returns what is wrong; nothing wrong is an empty list. */

export const NOT_NEGATIVE = 'must be greater than or equal to 0'
export const IMMUTABLE = 'field is immutable'

export const notNegative = (value: number | undefined, path: string): readonly FieldError[] =>
  value !== undefined && value < 0 ? [invalid(path, value, NOT_NEGATIVE)] : []

export const between = (
  value: number | undefined,
  { path, min, max }: { readonly path: string; readonly min: number; readonly max: number },
): readonly FieldError[] =>
  value !== undefined && (value < min || value > max)
    ? [invalid(path, value, `must be between ${min} and ${max}, inclusive`)]
    : []

export const portNumber = (value: number, path: string): readonly FieldError[] =>
  between(value, { path, min: 1, max: 65535 })

export const oneOf = (
  value: string | undefined,
  { path, choices }: { readonly path: string; readonly choices: readonly string[] },
): readonly FieldError[] => (value === undefined || choices.includes(value) ? [] : [notSupported(path, value, choices)])

/** An address range of either family. */
export const cidrErrors = (value: string, path: string): readonly FieldError[] =>
  addressPrefixOf(value)
    ? []
    : [invalid(path, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')]

export const addressErrors = (value: string, path: string): readonly FieldError[] =>
  addressBytesOf(value) ? [] : [invalid(path, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')]

export const wellFormed = (
  value: string,
  { path, problems }: { readonly path: string; readonly problems: (text: string) => readonly string[] },
): readonly FieldError[] => problems(value).map(problem => invalid(path, value, problem))

/** A label selector that users wrote. */
export function selectorErrors(selector: LabelSelector | undefined, path: string): readonly FieldError[] {
  if (!selector) return []
  const errors: FieldError[] = []
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    errors.push(...wellFormed(key, { path: `${path}.matchLabels`, problems: qualifiedNameProblems }))
    errors.push(...wellFormed(value, { path: `${path}.matchLabels`, problems: labelValueProblems }))
  }
  selector.matchExpressions?.forEach((expression, index) => {
    errors.push(...expressionErrors(expression, `${path}.matchExpressions[${index}]`))
  })
  return errors
}

type Expression = NonNullable<LabelSelector['matchExpressions']>[number]

function expressionErrors({ key, operator, values = [] }: Expression, path: string): readonly FieldError[] {
  const errors: FieldError[] = [...wellFormed(key ?? '', { path: `${path}.key`, problems: qualifiedNameProblems })]
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
      }
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.push({
          reason: 'FieldValueForbidden',
          field: `${path}.values`,
          message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        })
      }
      break
    default:
      errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'))
  }
  values.forEach((value, index) => {
    errors.push(...wellFormed(value, { path: `${path}.values[${index}]`, problems: labelValueProblems }))
  })
  return errors
}

export const isEmptySelector = ({ matchLabels, matchExpressions }: LabelSelector): boolean =>
  Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0

/** Each name at most once. */
export function duplicates<T>(
  items: readonly T[],
  { nameOf, pathOf }: { readonly nameOf: (item: T) => string | undefined; readonly pathOf: (index: number) => string },
): readonly FieldError[] {
  const seen = new Set<string>()
  const errors: FieldError[] = []
  items.forEach((item, index) => {
    const name = nameOf(item)
    if (!name) return
    if (seen.has(name)) {
      errors.push({
        reason: 'FieldValueDuplicate',
        field: pathOf(index),
        message: `Duplicate value: ${JSON.stringify(name)}`,
      })
    }
    seen.add(name)
  })
  return errors
}
