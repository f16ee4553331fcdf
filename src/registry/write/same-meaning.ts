import type { JsonValue } from '../../machinery/json.ts'

/**
 * Whether two canonical values say the same: absent, null and the empty list are equal, as in upstream's semantic
 * comparison; quantities and times are canonical already.
 */
export function sameMeaning(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b)
  if (typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameMeaning(item, b[index]))
  }
  if (Array.isArray(b)) return false
  const left = a as { readonly [key: string]: JsonValue | undefined }
  const right = b as { readonly [key: string]: JsonValue | undefined }
  for (const key in left) if (!sameMeaning(left[key], right[key])) return false
  for (const key in right) if (left[key] === undefined && !isNothing(right[key])) return false
  return true
}

const isNothing = (value: JsonValue | undefined): value is null | undefined | [] =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0)
