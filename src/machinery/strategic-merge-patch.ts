import type { JsonObject, JsonValue } from './json.ts'
import { isJsonObject, type MutableJson, setOwn } from './merge-patch.ts'
import type { Schema } from './schema.ts'
import { badRequest } from './status.ts'

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const SET_ORDER = '$setElementOrder/'
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/'

/**
 * Strategic merge patch ("Update API Objects in Place Using kubectl patch"): like a merge patch, but lists whose schema
 * says so merge item by item, and directives in the patch can replace, delete and order. Throws 400 for a bad patch.
 */
export function strategicMergePatched(schema: Schema, target: JsonObject, patch: JsonValue | undefined): JsonObject {
  if (!isJsonObject(patch)) throw badRequest('a strategic merge patch is a JSON object')
  return mergedObject(schema, target, patch)
}

function mergedObject(schema: Schema | undefined, target: JsonObject, patch: JsonObject): JsonObject {
  const directive = patch[DIRECTIVE]
  if (directive === 'replace') return withoutDirectives(patch)
  if (directive === 'delete') return {}
  if (directive !== undefined && directive !== 'merge')
    throw badRequest(`Unknown patch type: ${JSON.stringify(directive)}`)
  const merged: MutableJson = retained(target, patch[RETAIN_KEYS])
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$') || value === undefined) continue
    if (value === null) delete merged[key]
    else setOwn(merged, key, mergedField(schemaOf(schema, key), merged[key], value, listDirectives(patch, key)))
  }
  applyListDirectivesAlone(schema, merged, patch)
  return merged
}

function retained(target: JsonObject, keys: JsonValue | undefined): MutableJson {
  if (keys === undefined) return { ...target }
  if (!Array.isArray(keys)) throw badRequest(`${RETAIN_KEYS} must be a list of field names`)
  return Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)))
}

const withoutDirectives = ({ [DIRECTIVE]: _, ...rest }: JsonObject): JsonObject => rest

const schemaOf = (schema: Schema | undefined, key: string): Schema | undefined =>
  schema?.properties.get(key) ?? schema?.values

interface ListDirectives {
  readonly order?: readonly JsonValue[]
  readonly deletions?: readonly JsonValue[]
}

function listDirectives(patch: JsonObject, key: string): ListDirectives {
  const order = listDirective(patch, `${SET_ORDER}${key}`)
  const deletions = listDirective(patch, `${DELETE_PRIMITIVES}${key}`)
  return { ...(order && { order }), ...(deletions && { deletions }) }
}

function listDirective(patch: JsonObject, name: string): readonly JsonValue[] | undefined {
  const value = patch[name]
  if (value === undefined || Array.isArray(value)) return value
  throw badRequest(`${name} must be a list`)
}

function mergedField(
  schema: Schema | undefined,
  target: JsonValue | undefined,
  patch: JsonValue,
  directives: ListDirectives,
): JsonValue {
  if (isJsonObject(patch)) {
    if (schema?.replaces) return withoutDirectives(patch)
    return mergedObject(schema, isJsonObject(target) ? target : {}, patch)
  }
  if (!Array.isArray(patch)) return patch
  return mergedList(schema, Array.isArray(target) ? target : [], patch, directives)
}

/** `$setElementOrder` and `$deleteFromPrimitiveList` also count where the patch does not carry the list itself. */
function applyListDirectivesAlone(schema: Schema | undefined, merged: MutableJson, patch: JsonObject): void {
  for (const name of Object.keys(patch)) {
    const prefix = [SET_ORDER, DELETE_PRIMITIVES].find(candidate => name.startsWith(candidate))
    const key = prefix && name.slice(prefix.length)
    if (!key || patch[key] !== undefined || !Array.isArray(merged[key])) continue
    merged[key] = mergedList(schemaOf(schema, key), merged[key], [], listDirectives(patch, key))
  }
}

function mergedList(
  schema: Schema | undefined,
  target: readonly JsonValue[],
  patch: readonly JsonValue[],
  { order, deletions }: ListDirectives,
): readonly JsonValue[] {
  if (!schema?.mergeList) return patch.filter(item => !isDirectiveItem(item))
  if (schema.mergeKey === undefined || !patch.concat(target).some(isJsonObject)) {
    const kept = target.filter(item => !deletions?.includes(item))
    const merged = [...kept, ...patch.filter(item => !kept.includes(item))]
    return inOrder(merged, item => item, { patch: order ?? patch, server: target })
  }
  return mergedObjects({ ...schema, items: schema.items, mergeKey: schema.mergeKey } as KeyedList, target, patch, order)
}

type KeyedList = Schema & { readonly mergeKey: string }

const isDirectiveItem = (item: JsonValue): boolean => isJsonObject(item) && item[DIRECTIVE] !== undefined

function mergedObjects(
  { items, mergeKey }: KeyedList,
  target: readonly JsonValue[],
  patch: readonly JsonValue[],
  order: readonly JsonValue[] | undefined,
): readonly JsonValue[] {
  if (patch.some(item => isJsonObject(item) && item[DIRECTIVE] === 'replace')) {
    return patch.filter(item => !isDirectiveItem(item))
  }
  const keyOf = (item: JsonValue): JsonValue | undefined => (isJsonObject(item) ? item[mergeKey] : item)
  let merged = [...target]
  for (const item of patch) {
    if (!isJsonObject(item) || item[mergeKey] === undefined) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`)
    }
    const matches = (candidate: JsonValue): boolean => keyOf(candidate) === item[mergeKey]
    if (item[DIRECTIVE] === 'delete') {
      merged = merged.filter(candidate => !matches(candidate))
      continue
    }
    const at = merged.findIndex(matches)
    const before = at < 0 ? {} : (merged[at] as JsonObject)
    const after = mergedObject(items, before, item)
    if (at < 0) merged.push(after)
    else merged[at] = after
  }
  const patchOrder = (order ?? patch).map(keyOf)
  return inOrder(merged, keyOf, { patch: patchOrder, server: target.map(keyOf) })
}

/**
 * Items that the patch names stand in the patch's order; the others keep the server's order among them. Where nothing
 * says which of the two comes first, the patch's item does.
 */
function inOrder(
  items: readonly JsonValue[],
  keyOf: (item: JsonValue) => JsonValue | undefined,
  order: { readonly patch: readonly (JsonValue | undefined)[]; readonly server: readonly (JsonValue | undefined)[] },
): readonly JsonValue[] {
  const rank = (keys: readonly (JsonValue | undefined)[], item: JsonValue): number => keys.indexOf(keyOf(item))
  const named = items
    .filter(item => rank(order.patch, item) >= 0)
    .sort((a, b) => rank(order.patch, a) - rank(order.patch, b))
  const others = items.filter(item => rank(order.patch, item) < 0)
  const result: JsonValue[] = []
  let next = 0
  for (const item of named) {
    const position = rank(order.server, item)
    while (position >= 0 && next < others.length && rank(order.server, others[next]!) < position) {
      result.push(others[next++]!)
    }
    result.push(item)
  }
  return [...result, ...others.slice(next)]
}
