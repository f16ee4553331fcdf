import type { JsonValue } from './json.ts'

/**
 * What the server knows of the shape of a value: read from the OpenAPI schemas of built-in kinds and of custom
 * resources alike. Decoding, validation, strategic merge and field ownership all follow it.
 */
export interface Schema {
  readonly type: SchemaType
  /** `date-time`, `int32`, `byte` and so on, for text and numbers. */
  readonly format?: string
  /** The type's own name, for messages: `PodSpec`. */
  readonly typeName?: string
  /** Of `object`. */
  readonly properties: ReadonlyMap<string, Schema>
  /** Of `array`. */
  readonly items?: Schema
  /** Of `map`. */
  readonly values?: Schema
  readonly required: readonly string[]
  readonly enum?: readonly JsonValue[]
  readonly default?: JsonValue
  /** How server-side apply sees it: as a whole, or part by part. */
  readonly listType: 'atomic' | 'set' | 'map'
  readonly listMapKeys: readonly string[]
  readonly atomicMap: boolean
  /** How strategic merge sees a list. Absent: the list is replaced. */
  readonly mergeKey?: string
  readonly mergeList: boolean
  readonly replaces: boolean
  readonly retainsKeys: boolean
  /** Of `object`: fields that no property names are kept (custom resources). */
  readonly preservesUnknown: boolean
}

export type SchemaType =
  | 'object'
  | 'map'
  | 'array'
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'quantity'
  | 'int-or-string'
  | 'any'
