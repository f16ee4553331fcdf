import { anatomyOf, type FieldSet, isEmptySet, itemPart, partSchema, valuePart } from './field-set.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { isJsonObject, type MutableJson, setOwn } from './merge-patch.ts'
import type { Schema } from './schema.ts'

/** The object with all that is applied put over it; lists merge as their schema says (KEP-555). */
export function appliedOver(schema: Schema | undefined, live: JsonValue | undefined, applied: JsonValue): JsonValue {
  const anatomy = anatomyOf(schema, applied)
  if (live === undefined || anatomyOf(schema, live) !== anatomy) return applied
  switch (anatomy) {
    case 'fields':
    case 'map': {
      const merged: MutableJson = { ...(live as JsonObject) }
      for (const [name, value] of Object.entries(applied as JsonObject)) {
        if (value === undefined) continue
        const before = Object.hasOwn(merged, name) ? merged[name] : undefined
        setOwn(merged, name, appliedOver(partSchema(schema, name), before, value))
      }
      return merged
    }
    case 'keyed':
      return mergedItems(schema!, live as readonly JsonValue[], applied as readonly JsonValue[])
    case 'set': {
      const present = new Set((live as readonly JsonValue[]).map(valuePart))
      return [
        ...(live as readonly JsonValue[]),
        ...(applied as readonly JsonValue[]).filter(item => !present.has(valuePart(item))),
      ]
    }
    case 'whole':
      return applied
  }
}

/** Applied items keep the order of the applier among themselves; the others stay where they are. */
function mergedItems(schema: Schema, live: readonly JsonValue[], applied: readonly JsonValue[]): readonly JsonValue[] {
  const before = new Map(live.map(item => [itemPart(schema, item), item]))
  const merged = applied.map(item => appliedOver(schema.items, before.get(itemPart(schema, item)), item))
  const wanted = new Set(applied.map(item => itemPart(schema, item)))
  let next = 0
  const result = live.map(item => (wanted.has(itemPart(schema, item)) ? merged[next++]! : item))
  return [...result, ...merged.slice(next)]
}

/** The value without the fields of `givenUp`, except where something that is kept lies under them. */
export function withoutGivenUp(
  schema: Schema | undefined,
  value: JsonValue,
  { givenUp, kept }: { readonly givenUp: FieldSet; readonly kept: FieldSet },
): JsonValue {
  const inner = (part: string, item: JsonValue, itemSchema: Schema | undefined): JsonValue | undefined => {
    const node = Object.hasOwn(givenUp, part) ? givenUp[part] : undefined
    if (!node) return item
    const keptNode = Object.hasOwn(kept, part) ? kept[part] : undefined
    const isWhole = isEmptySet(node) || node['.'] !== undefined
    if (isWhole && keptNode === undefined) return undefined
    const rest = withoutGivenUp(itemSchema, item, { givenUp: node, kept: keptNode ?? {} })
    return keptNode === undefined && isHollow(rest) && !isHollow(item) ? undefined : rest
  }
  switch (anatomyOf(schema, value)) {
    case 'fields':
    case 'map': {
      const rest: MutableJson = {}
      for (const [name, item] of Object.entries(value as JsonObject)) {
        const left = item === undefined ? undefined : inner(`f:${name}`, item, partSchema(schema, name))
        if (left !== undefined) setOwn(rest, name, left)
      }
      return rest
    }
    case 'keyed':
      return (value as readonly JsonValue[])
        .map(item => inner(itemPart(schema!, item), item, schema!.items))
        .filter(item => item !== undefined)
    case 'set':
      return (value as readonly JsonValue[]).filter(item => inner(valuePart(item), item, undefined) !== undefined)
    case 'whole':
      return value
  }
}

const isHollow = (value: JsonValue): boolean =>
  Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0
