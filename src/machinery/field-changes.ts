import { deepEqual } from 'fast-equals'
import { anatomyOf, type FieldSet, fieldsOf, isEmptySet, itemPart, partSchema, valuePart } from './field-set.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { Schema } from './schema.ts'

/** Which fields differ between two states of an object. */
export interface FieldChanges {
  /** New, or with another value. */
  readonly changed: FieldSet
  readonly removed: FieldSet
}

type Building = { [part: string]: FieldSet }

/** Compares as server-side apply sees the fields. Parts that both states share cost nothing. */
export function fieldChanges(
  schema: Schema | undefined,
  old: JsonValue | undefined,
  next: JsonValue | undefined,
): FieldChanges {
  const changed: Building = {}
  const removed: Building = {}
  const anatomy = anatomyOf(schema, next)
  if (old === next || anatomyOf(schema, old) !== anatomy) return { changed, removed }
  const compare = (part: string, pair: Pair): void => comparePart({ changed, removed }, part, pair)
  switch (anatomy) {
    case 'fields':
    case 'map':
      for (const [name, pair] of pairsByName(old as JsonObject, next as JsonObject)) {
        compare(`f:${name}`, { ...pair, schema: partSchema(schema, name) })
      }
      break
    case 'keyed':
      for (const [part, pair] of pairsBy(old, next, item => itemPart(schema!, item))) {
        compare(part, { ...pair, schema: schema!.items, isItem: true })
      }
      break
    case 'set':
      for (const [part, pair] of pairsBy(old, next, valuePart)) compare(part, { ...pair, schema: undefined })
      break
    case 'whole':
      break
  }
  return { changed, removed }
}

interface Pair {
  readonly before?: JsonValue
  readonly after?: JsonValue
  readonly schema?: Schema | undefined
  readonly isItem?: boolean
}

function comparePart({ changed, removed }: { changed: Building; removed: Building }, part: string, pair: Pair): void {
  const { before, after, schema, isItem = false } = pair
  if (before === after) return
  if (before === undefined) changed[part] = appeared(after, schema, isItem)
  else if (after === undefined) removed[part] = appeared(before, schema, isItem)
  else if (isTakenApart(schema, before) && isTakenApart(schema, after)) {
    const inner = fieldChanges(schema, before, after)
    if (!isEmptySet(inner.changed)) changed[part] = inner.changed
    if (!isEmptySet(inner.removed)) removed[part] = inner.removed
  } else if (!deepEqual(before, after)) changed[part] = {}
}

const isTakenApart = (schema: Schema | undefined, value: JsonValue): boolean => anatomyOf(schema, value) !== 'whole'

/** All fields of a part that came or went, and the part itself unless it is always there. */
function appeared(value: JsonValue | undefined, schema: Schema | undefined, isItem: boolean): FieldSet {
  const fields = fieldsOf(schema, value, true)
  if (isEmptySet(fields)) return fields
  return isItem || typeof schema?.default !== 'object' ? { '.': {}, ...fields } : fields
}

function* pairsByName(old: JsonObject, next: JsonObject): Iterable<readonly [string, Pair]> {
  for (const name of Object.keys(next)) {
    const before = Object.hasOwn(old, name) ? old[name] : undefined
    const after = next[name]
    yield [name, { ...(before !== undefined && { before }), ...(after !== undefined && { after }) }]
  }
  for (const name of Object.keys(old)) {
    const before = old[name]
    if (!Object.hasOwn(next, name) && before !== undefined) yield [name, { before }]
  }
}

function* pairsBy(
  old: JsonValue | undefined,
  next: JsonValue | undefined,
  partOf: (item: JsonValue) => string,
): Iterable<readonly [string, Pair]> {
  const byPart = (list: JsonValue | undefined): Map<string, JsonValue> =>
    new Map((list as readonly JsonValue[]).map(item => [partOf(item), item]))
  const olds = byPart(old)
  const nexts = byPart(next)
  for (const [part, after] of nexts) {
    const before = olds.get(part)
    yield [part, { after, ...(before !== undefined && { before }) }]
  }
  for (const [part, before] of olds) if (!nexts.has(part)) yield [part, { before }]
}
