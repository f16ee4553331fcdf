import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { type MutableJson, setOwn } from '../../machinery/merge-patch.ts'
import { parseQuantity, QuantityError, quantityText } from '../../machinery/quantity.ts'
import type { Schema } from '../../machinery/schema.ts'

/** A value that cannot be of the type that its field has. The message is what upstream's decoder says. */
export class DecodeError extends Error {
  override name = 'DecodeError'
}

export interface Decoded {
  /** A private copy: canonical quantities and times, no nulls, no empty optional lists, defaults of the schema. */
  readonly object: MutableJson
  /** Paths such as `spec.containers[0].imaeg` that the schema does not know; they are gone from `object`. */
  readonly unknownFields: readonly string[]
}

/** Published as an object, and decoded as whatever it is: the rules of its kind say what it may be. */
const RAW = 'RawExtension'

/** How deep an object may nest. Deeper ones would exhaust the stack of whoever walks them. */
const DEPTH_MAX = 200

/** Reads untrusted JSON as the schema has it. Throws `DecodeError` for a value of the wrong type. */
export function decode(schema: Schema, value: JsonObject, options: { readonly addsDefaults?: boolean } = {}): Decoded {
  return decodeWith(new Decoder(options), schema, value)
}

/** Reads a status by itself: counters that upstream always writes are 0 where absent. */
export function decodeStatus(schema: Schema, value: JsonObject): Decoded {
  return decodeWith(new Decoder({ fillsZeroes: true }), schema, value)
}

function decodeWith(decoder: Decoder, schema: Schema, value: JsonObject): Decoded {
  const object = decoder.object(schema, value)
  return { object, unknownFields: decoder.unknownFields }
}

type PathPart = string | number

const pathText = (path: readonly PathPart[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${part}` : part),
    '',
  )

class Decoder {
  readonly unknownFields: string[] = []
  readonly #path: PathPart[] = []
  #typeName = ''
  /** In status, required fields that are absent read as zero; elsewhere their absence is an error to report. */
  #fillsZeroes: boolean

  readonly #addsDefaults: boolean

  constructor({ fillsZeroes = false, addsDefaults = true } = {}) {
    this.#fillsZeroes = fillsZeroes
    this.#addsDefaults = addsDefaults
  }

  object(schema: Schema, value: JsonObject): MutableJson {
    const out: MutableJson = {}
    for (const key in value) {
      const part = value[key]
      if (part === undefined || !Object.hasOwn(value, key)) continue
      const property = schema.properties.get(key)
      this.#path.push(key)
      if (key === 'status' && this.#path.length === 1) this.#fillsZeroes = true
      if (property) {
        const decoded = this.#value(property, part, schema)
        if (key === 'status' && this.#path.length === 1) this.#fillsZeroes = false
        if (decoded !== undefined && !isOmitted(schema, { key, property, decoded })) out[key] = decoded
      } else if (schema.preservesUnknown) setOwn(out, key, this.#any(part))
      else this.unknownFields.push(pathText(this.#path))
      this.#path.pop()
    }
    if (this.#addsDefaults) this.#addDefaults(schema, out)
    return out
  }

  #addDefaults(schema: Schema, out: MutableJson): void {
    for (const { key, property } of defaultedOf(schema)) {
      if (out[key] !== undefined) continue
      if (typeof property.default === 'object') out[key] = property.type === 'object' ? this.object(property, {}) : {}
      else if (this.#fillsZeroes || property.enum || !schema.required.includes(key)) out[key] = property.default
    }
  }

  #value(schema: Schema, value: JsonValue, parent: Schema): JsonValue | undefined {
    if (value === null) return undefined
    if (this.#path.length > DEPTH_MAX) throw new DecodeError('json: exceeded max depth')
    if (parent.typeName) this.#typeName = parent.typeName
    switch (schema.type) {
      case 'object':
        if (!isObject(value)) throw this.#mismatch(schema, value)
        return this.object(schema, value)
      case 'map':
        return this.#map(schema, value)
      case 'array':
        return this.#array(schema, value)
      case 'any':
        return this.#any(value)
      default:
        return this.#scalar(schema, value)
    }
  }

  #map(schema: Schema, value: JsonValue): JsonValue {
    if (schema.typeName === RAW && !isObject(value)) return this.#any(value)
    if (!isObject(value)) throw this.#mismatch(schema, value)
    const out: MutableJson = {}
    const values = schema.values!
    for (const key of Object.keys(value)) {
      this.#path.push(key)
      const part = value[key]
      // As in Go, a null in a map of texts reads as the zero value.
      const decoded =
        part === null && values.type === 'string'
          ? ''
          : part === undefined
            ? undefined
            : this.#value(values, part, schema)
      if (decoded !== undefined) setOwn(out, key, decoded)
      this.#path.pop()
    }
    return out
  }

  #array(schema: Schema, value: JsonValue): JsonValue {
    if (!Array.isArray(value)) throw this.#mismatch(schema, value)
    const items = schema.items
    return value.map((item: JsonValue, index) => {
      this.#path.push(index)
      const decoded = items ? this.#value(items, item, schema) : this.#any(item)
      this.#path.pop()
      return decoded ?? (items?.type === 'object' ? this.object(items, {}) : zeroOf(items))
    })
  }

  #scalar(schema: Schema, value: JsonValue): JsonValue {
    switch (schema.type) {
      case 'string':
        if (typeof value !== 'string') throw this.#mismatch(schema, value)
        return this.#text(schema, value)
      case 'integer':
        if (typeof value !== 'number' || !isInteger(value, schema.format)) throw this.#mismatch(schema, value)
        return value
      case 'number':
        if (typeof value !== 'number') throw this.#mismatch(schema, value)
        return value
      case 'boolean':
        if (typeof value !== 'boolean') throw this.#mismatch(schema, value)
        return value
      case 'quantity':
        return this.#quantity(schema, value)
      case 'int-or-string':
        if (typeof value !== 'string' && !(typeof value === 'number' && isInteger(value, 'int32'))) {
          throw this.#mismatch(schema, value)
        }
        return value
      default:
        throw this.#mismatch(schema, value)
    }
  }

  #text(schema: Schema, value: string): string {
    if (schema.format === 'date-time' || schema.format === 'micro-time') return canonicalTime(value, schema.format)
    if (schema.format === 'byte' && !isBase64(value)) {
      throw new DecodeError(`illegal base64 data in ${pathText(this.#path)}`)
    }
    return value
  }

  #quantity(schema: Schema, value: JsonValue): string {
    if (typeof value !== 'string' && typeof value !== 'number') throw this.#mismatch(schema, value)
    return canonicalQuantity(value)
  }

  #any(value: JsonValue): JsonValue {
    if (this.#path.length > DEPTH_MAX) throw new DecodeError('json: exceeded max depth')
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      return value.map((item: JsonValue, index) => {
        this.#path.push(index)
        const copy = this.#any(item)
        this.#path.pop()
        return copy
      })
    }
    const out: MutableJson = {}
    for (const [key, part] of Object.entries(value as JsonObject)) {
      if (part === undefined) continue
      this.#path.push(key)
      setOwn(out, key, this.#any(part))
      this.#path.pop()
    }
    return out
  }

  #mismatch(schema: Schema, value: JsonValue): DecodeError {
    const field = this.#path.filter(part => typeof part === 'string').join('.')
    const struct = this.#typeName ? `${this.#typeName}.${field}` : field
    return new DecodeError(
      `json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field ${struct} of type ${goTypeOf(schema)}`,
    )
  }
}

interface Defaulted {
  readonly key: string
  readonly property: Schema
}

/** A type has many properties and few defaults; which ones is found out once. */
const defaulted = new WeakMap<Schema, readonly Defaulted[]>()

function defaultedOf(schema: Schema): readonly Defaulted[] {
  let known = defaulted.get(schema)
  if (!known) {
    known = Array.from(schema.properties, ([key, property]) => ({ key, property })).filter(
      ({ property }) => property.default !== undefined,
    )
    defaulted.set(schema, known)
  }
  return known
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
/** As in Go, an optional list that is empty is not written; values of any type are kept as they are. */
const isOmitted = (schema: Schema, part: { key: string; property: Schema; decoded: JsonValue }): boolean =>
  part.property.type === 'array' &&
  Array.isArray(part.decoded) &&
  part.decoded.length === 0 &&
  !schema.required.includes(part.key)

const INT32_MAX = 2 ** 31 - 1
const isInteger = (value: number, format: string | undefined): boolean =>
  Number.isInteger(value) && (format !== 'int32' || (value <= INT32_MAX && value >= -INT32_MAX - 1))

const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/\n\r]*={0,2}$/.test(text)

function zeroOf(schema: Schema | undefined): JsonValue {
  switch (schema?.type) {
    case 'string':
      return ''
    case 'integer':
    case 'number':
      return 0
    case 'boolean':
      return false
    case 'object':
    case 'map':
      return {}
    default:
      return null
  }
}

function jsonTypeOf(value: JsonValue): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? `number ${value}` : `number ${value}`
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function goTypeOf(schema: Schema): string {
  switch (schema.type) {
    case 'integer':
      return schema.format ?? 'int64'
    case 'number':
      return 'float64'
    case 'boolean':
      return 'bool'
    case 'array':
      return `[]${schema.items ? goTypeOf(schema.items) : 'interface {}'}`
    case 'map':
      return `map[string]${schema.values ? goTypeOf(schema.values) : 'interface {}'}`
    case 'int-or-string':
      return 'intstr.IntOrString'
    case 'quantity':
      return 'resource.Quantity'
    default:
      return schema.typeName ?? schema.type
  }
}

const CANONICAL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.(\d+))?(?:[Zz]|[+-]\d\d:\d\d)$/

/** Times in UTC: whole seconds for `Time`, six digits for `MicroTime`. */
function canonicalTime(text: string, format: 'date-time' | 'micro-time'): string {
  if (format === 'date-time' && CANONICAL_TIME.test(text) && !Number.isNaN(Date.parse(text))) return text
  const match = RFC3339.exec(text)
  const time = new Date(text)
  if (!match || Number.isNaN(time.getTime())) {
    throw new DecodeError(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse it`)
  }
  const seconds = time.toISOString().slice(0, 19)
  return format === 'date-time' ? `${seconds}Z` : `${seconds}.${(match[1] ?? '').padEnd(6, '0').slice(0, 6)}Z`
}

/** What is certainly canonical already: a short whole number with a suffix that cannot be made larger. */
const CANONICAL_QUANTITY = /^(?:0|[1-9]\d{0,2})(?:m|k|M|G|T|Ki|Mi|Gi|Ti)?$/

function canonicalQuantity(value: string | number): string {
  if (typeof value === 'string' && CANONICAL_QUANTITY.test(value) && !/^0./.test(value)) return value
  try {
    return quantityText(parseQuantity(value))
  } catch (error) {
    if (error instanceof QuantityError) throw new DecodeError(error.message)
    throw error
  }
}
