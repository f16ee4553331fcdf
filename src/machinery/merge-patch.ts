import type { JsonObject, JsonValue } from './json.ts'

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A JSON object while its only owner builds it. */
export type MutableJson = { [key: string]: JsonValue | undefined }

/** Sets an own property, also one named `__proto__`. */
export function setOwn(object: MutableJson, key: string, value: JsonValue | undefined): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    object[key] = value
  }
}

/** JSON Merge Patch (RFC 7386): objects merge, `null` removes, everything else replaces. Shares what did not change. */
export function mergePatched(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch
  const merged: MutableJson = isJsonObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else if (value !== undefined) setOwn(merged, key, mergePatched(ownValue(merged, key), value))
  }
  return merged
}

const ownValue = (object: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined
