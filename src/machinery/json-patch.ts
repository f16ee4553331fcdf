import { applyPatch, type Operation } from 'rfc6902'
import type { JsonValue } from './json.ts'
import { badRequest, invalidPatch } from './status.ts'

/** Bounds the work that one patch can ask for, as upstream does. */
const OPERATIONS_MAX = 10_000

const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

/** Applies a JSON Patch (RFC 6902) to a copy. Throws 400 for what is no patch and 422 for one that does not apply. */
export function jsonPatched(document: JsonValue, patch: JsonValue | undefined): JsonValue {
  if (!Array.isArray(patch) || !patch.every(isOperation))
    throw badRequest('json patch: a JSON array of operations is expected')
  if (patch.length > OPERATIONS_MAX) {
    throw badRequest(`The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`)
  }
  const copy = structuredClone(document) as JsonValue
  const operations = structuredClone(patch) as Operation[]
  const failure = firstFailure(copy, operations)
  if (failure) throw invalidPatch(`the server rejected our request due to an error in our request: ${failure}`)
  return copy
}

function firstFailure(copy: JsonValue, operations: Operation[]): string | undefined {
  try {
    return applyPatch(copy, operations).find(error => error !== null)?.message
  } catch (error) {
    // A path that leads into a text or a number.
    if (error instanceof TypeError) return 'a path of the patch leads into a value that has no parts'
    throw error
  }
}

function isOperation(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { op, path, from } = value as { op?: JsonValue; path?: JsonValue; from?: JsonValue }
  if (typeof op !== 'string' || !OPERATIONS.has(op)) return false
  if (!isSafePointer(path)) return false
  return op === 'move' || op === 'copy' ? isSafePointer(from) : true
}

/** Pointers that lead into a prototype would change what every object has in common. */
const isSafePointer = (pointer: JsonValue | undefined): boolean =>
  typeof pointer === 'string' &&
  (pointer === '' || pointer.startsWith('/')) &&
  !pointer.split('/').some(part => part === '__proto__' || part === 'constructor' || part === 'prototype')
