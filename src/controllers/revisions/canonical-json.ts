import type { JsonObject, JsonValue } from '../../machinery/json.ts'

/** JSON without blanks and with sorted keys, escaped as Go's encoder escapes, so that the bytes equal upstream's. */
export function canonicalJsonOf(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return scalarText(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJsonOf).join(',')}]`
  const object = value as JsonObject
  // Written by hand: an object of JavaScript would put keys that look like numbers first, whatever the order given.
  const keys = Object.keys(object).filter(key => object[key] !== undefined)
  const fields = keys.sort(byCodePoint).map(key => `${scalarText(key)}:${canonicalJsonOf(object[key]!)}`)
  return `{${fields.join(',')}}`
}

const scalarText = (value: string | number | boolean | null): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeOf)

const escapeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Go compares the bytes of UTF-8, which is the order of code points; plain `<` compares UTF-16 units, and differs for surrogates only. */
function byCodePoint(a: string, b: string): number {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : a > b ? 1 : 0
}

const SURROGATE = /[\ud800-\udfff]/
