import type { JsonObject, JsonValue } from './json.ts'
import { isJsonObject } from './merge-patch.ts'
import type { Schema } from './schema.ts'

/**
 * A set of fields in the form of `fieldsV1` (structured-merge-diff): `f:name` is a field, `k:{…}` an item of a list by
 * its keys, `v:…` an item of a set, `.` the thing itself. Sets are small trees, worked on as they are stored.
 */
export interface FieldSet {
  readonly [part: string]: FieldSet
}

type MutableFieldSet = { [part: string]: MutableFieldSet }

const SELF = '.'
export const NO_FIELDS: FieldSet = {}

export const isEmptySet = (set: FieldSet): boolean => {
  for (const _ in set) return false
  return true
}

/** A node without parts stands for the field itself, and so does one with `.` among its parts. */
const holdsItself = (set: FieldSet): boolean => isEmptySet(set) || set[SELF] !== undefined

export function unionOf(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b
  if (isEmptySet(b)) return a
  const union: MutableFieldSet = { ...(a as MutableFieldSet) }
  for (const part of Object.keys(b)) {
    const left = Object.hasOwn(a, part) ? a[part] : undefined
    setPart(union, part, left === undefined ? b[part]! : unionOfNodes(left, b[part]!))
  }
  return union
}

function unionOfNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return isEmptySet(b) ? a : { ...b, [SELF]: {} }
  if (isEmptySet(b)) return { ...a, [SELF]: {} }
  return unionOf(a, b)
}

/** What is in both. */
export function intersectionOf(a: FieldSet, b: FieldSet): FieldSet {
  return combined(a, b, (itself, other) => itself && other)
}

/** What is in `a` and not in `b`. */
export function differenceOf(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a
  const result: MutableFieldSet = {}
  for (const part of Object.keys(a)) {
    if (part === SELF) {
      if (b[SELF] === undefined) result[SELF] = {}
      continue
    }
    const node = a[part]!
    const other = Object.hasOwn(b, part) ? b[part] : undefined
    const left = other === undefined ? node : nodeDifference(node, other)
    if (left !== undefined) setPart(result, part, left)
  }
  return result
}

function nodeDifference(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const itself = holdsItself(a) && !holdsItself(b)
  const { [SELF]: _, ...parts } = a
  const { [SELF]: __, ...others } = b
  const children = differenceOf(parts, others)
  if (isEmptySet(children)) return itself ? {} : undefined
  return itself ? { ...children, [SELF]: {} } : children
}

function combined(a: FieldSet, b: FieldSet, keeps: (a: boolean, b: boolean) => boolean): FieldSet {
  const result: MutableFieldSet = {}
  for (const part of Object.keys(a)) {
    if (part === SELF) {
      if (keeps(true, b[SELF] !== undefined)) result[SELF] = {}
      continue
    }
    const other = Object.hasOwn(b, part) ? b[part] : undefined
    if (other === undefined) continue
    const node = a[part]!
    const itself = keeps(holdsItself(node), holdsItself(other))
    const { [SELF]: _, ...parts } = node
    const { [SELF]: __, ...others } = other
    const children = combined(parts, others, keeps)
    if (!isEmptySet(children)) setPart(result, part, itself ? { ...children, [SELF]: {} } : children)
    else if (itself) setPart(result, part, {})
  }
  return result
}

const setPart = (set: MutableFieldSet, part: string, value: FieldSet): void => {
  set[part] = value as MutableFieldSet
}

/** Every field of the set in words: `.spec.containers[name="nginx"].image`. */
export function fieldTexts(set: FieldSet, prefix = ''): readonly string[] {
  return Object.keys(set).flatMap(part => {
    if (part === SELF) return prefix === '' ? [] : [prefix]
    const text = `${prefix}${partText(part)}`
    const node = set[part]!
    return isEmptySet(node) ? [text] : fieldTexts(node, text)
  })
}

function partText(part: string): string {
  const body = part.slice(2)
  if (part.startsWith('f:')) return `.${body}`
  if (!part.startsWith('k:')) return `[=${body}]`
  const keys = JSON.parse(body) as JsonObject
  const pairs = Object.keys(keys).map(key => `${key}=${JSON.stringify(keys[key])}`)
  return `[${pairs.join(',')}]`
}

/** How one value is taken apart: fields, items by key, items by value; or not at all. */
export type Anatomy = 'fields' | 'map' | 'keyed' | 'set' | 'whole'

export function anatomyOf(schema: Schema | undefined, value: JsonValue | undefined): Anatomy {
  if (isJsonObject(value)) {
    if (schema?.atomicMap) return 'whole'
    // Without a schema, objects of custom resources still have fields of their own.
    return schema?.type === 'map' || schema?.type === 'any' ? 'map' : 'fields'
  }
  if (!Array.isArray(value) || schema?.type !== 'array') return 'whole'
  if (schema.listType === 'set') return 'set'
  return schema.listType === 'map' && schema.listMapKeys.length > 0 ? 'keyed' : 'whole'
}

export const partSchema = (schema: Schema | undefined, name: string): Schema | undefined =>
  schema?.properties.get(name) ?? schema?.values

/** The part's name of an item in a list with keys; keys that are absent count with their default. */
export function itemPart(schema: Schema, item: JsonValue): string {
  const keys: { [key: string]: JsonValue } = {}
  for (const key of [...schema.listMapKeys].sort()) {
    const value = isJsonObject(item) ? (item[key] ?? schema.items?.properties.get(key)?.default) : undefined
    if (value !== undefined) keys[key] = value
  }
  return `k:${JSON.stringify(keys)}`
}

export const valuePart = (value: JsonValue): string => `v:${JSON.stringify(value)}`

/** All fields that a value sets. `marksThings`: also each map and object itself, as updates record them. */
export function fieldsOf(schema: Schema | undefined, value: JsonValue | undefined, marksThings: boolean): FieldSet {
  const set: MutableFieldSet = {}
  switch (anatomyOf(schema, value)) {
    case 'fields':
    case 'map': {
      for (const [name, part] of Object.entries(value as JsonObject)) {
        if (part === undefined) continue
        const property = partSchema(schema, name)
        const fields = fieldsOf(property, part, marksThings)
        const isThing =
          marksThings && isJsonObject(part) && !isEmptySet(fields) && typeof property?.default !== 'object'
        setPart(set, `f:${name}`, isThing ? { [SELF]: {}, ...fields } : fields)
      }
      return set
    }
    case 'keyed':
      for (const item of value as readonly JsonValue[]) {
        setPart(set, itemPart(schema!, item), { [SELF]: {}, ...fieldsOf(schema!.items, item, marksThings) })
      }
      return marksThings && !isEmptySet(set) ? { [SELF]: {}, ...set } : set
    case 'set':
      for (const item of value as readonly JsonValue[]) setPart(set, valuePart(item), {})
      return marksThings && !isEmptySet(set) ? { [SELF]: {}, ...set } : set
    case 'whole':
      return set
  }
}
