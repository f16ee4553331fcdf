import { deepEqual } from 'fast-equals'
import { type FieldError, invalid, notSupported, required, tooLong, tooMany } from '../../machinery/field-error.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import { linearPattern } from './linear-pattern.ts'
import type { StructuralSchema } from './structural-schema.ts'

/** What an OpenAPI v3 schema says is wrong with a value, in the words of upstream's validator. */
export function openApiErrors(
  schema: StructuralSchema,
  value: JsonValue | undefined,
  path: string,
): readonly FieldError[] {
  if (value === undefined) return []
  if (value === null) return schema.nullable ? [] : [wrongType(schema, value, path)]
  if (!hasType(schema, value)) return [wrongType(schema, value, path)]
  return [
    ...enumErrors(schema, value, path),
    ...(typeof value === 'string' ? textErrors(schema, value, path) : []),
    ...(typeof value === 'number' ? numberErrors(schema, value, path) : []),
    ...(Array.isArray(value) ? listErrors(schema, value, path) : []),
    ...(isJsonObject(value) ? objectErrors(schema, value, path) : []),
    ...combinationErrors(schema, value, path),
  ]
}

const inBody = (path: string): string => `${path || '<root>'} in body`

function hasType(schema: StructuralSchema, value: JsonValue): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value)
  switch (schema.type) {
    case 'string':
      return typeof value === 'string'
    case 'integer':
      return Number.isInteger(value)
    case 'number':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isJsonObject(value)
    default:
      return true
  }
}

function typeNameOf(value: JsonValue): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value
}

function wrongType(schema: StructuralSchema, value: JsonValue, path: string): FieldError {
  const found = typeNameOf(value)
  const type = schema['x-kubernetes-int-or-string'] ? 'integer,string' : schema.type
  return {
    reason: 'FieldValueTypeInvalid',
    field: path,
    message: `Invalid value: ${JSON.stringify(found)}: ${inBody(path)} must be of type ${type}: ${JSON.stringify(found)}`,
  }
}

const enumErrors = (schema: StructuralSchema, value: JsonValue, path: string): readonly FieldError[] =>
  schema.enum && !schema.enum.some(choice => deepEqual(choice, value))
    ? [
        notSupported(
          path,
          value,
          schema.enum.map(choice => (typeof choice === 'string' ? choice : JSON.stringify(choice))),
        ),
      ]
    : []

/** What is wrong with the text of a pattern; undefined when it can be used. */
export const patternProblem = (pattern: string): string | undefined => linearPattern(pattern).problem

function textErrors(schema: StructuralSchema, value: string, path: string): readonly FieldError[] {
  const { minLength, maxLength, pattern, format } = schema
  const errors: FieldError[] = []
  const length = minLength === undefined && maxLength === undefined ? 0 : [...value].length
  if (minLength !== undefined && length < minLength) {
    errors.push(invalid(path, value, `${inBody(path)} should be at least ${minLength} chars long`))
  }
  if (maxLength !== undefined && length > maxLength) errors.push(tooLong(path, maxLength))
  if (pattern && linearPattern(pattern).test(value) === false) {
    errors.push(invalid(path, value, `${inBody(path)} should match '${pattern}'`))
  }
  if (format && !hasFormat(format, value)) {
    errors.push(invalid(path, value, `${inBody(path)} must be of type ${format}: ${JSON.stringify(value)}`))
  }
  return errors
}

const FORMATS: { readonly [format: string]: RegExp } = {
  'date-time': /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/,
  date: /^\d{4}-\d\d-\d\d$/,
  uuid: /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i,
  ipv4: /^(?:\d{1,3}\.){3}\d{1,3}$/,
  email: /^[^@\s]+@[^@\s]+$/,
  byte: /^[A-Za-z0-9+/\s]*={0,2}$/,
}

const hasFormat = (format: string, value: string): boolean => FORMATS[format]?.test(value) ?? true

function numberErrors(schema: StructuralSchema, value: number, path: string): readonly FieldError[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const errors: FieldError[] = []
  const fail = (why: string): void => void errors.push(invalid(path, value, `${inBody(path)} should be ${why}`))
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    fail(`greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`)
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    fail(`less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`)
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) fail(`a multiple of ${multipleOf}`)
  return errors
}

function listErrors(schema: StructuralSchema, value: readonly JsonValue[], path: string): readonly FieldError[] {
  const { minItems, maxItems } = schema
  const items = schema.items as StructuralSchema | undefined
  const errors: FieldError[] = []
  if (minItems !== undefined && value.length < minItems) {
    errors.push(invalid(path, value.length, `${inBody(path)} should have at least ${minItems} items`))
  }
  if (maxItems !== undefined && value.length > maxItems) errors.push(tooMany(path, value.length, maxItems))
  errors.push(...uniquenessErrors(schema, value, path))
  return [...errors, ...(items ? value.flatMap((item, index) => openApiErrors(items, item, `${path}[${index}]`)) : [])]
}

/** Sets hold a value once, and lists with keys an item of each key once. */
function uniquenessErrors(schema: StructuralSchema, value: readonly JsonValue[], path: string): readonly FieldError[] {
  const type = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (type !== 'set' && type !== 'map') return []
  const seen = new Set<string>()
  return value.flatMap((item, index) => {
    const identity =
      type === 'set' || !isJsonObject(item) ? item : Object.fromEntries(keys.map(key => [key, item[key]]))
    const text = JSON.stringify(identity)
    if (!seen.has(text)) {
      seen.add(text)
      return []
    }
    return [{ reason: 'FieldValueDuplicate', field: `${path}[${index}]`, message: `Duplicate value: ${text}` } as const]
  })
}

function objectErrors(schema: StructuralSchema, value: JsonObject, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
  const properties = (schema.properties ?? {}) as { readonly [name: string]: StructuralSchema }
  const { minProperties, maxProperties } = schema
  const names = Object.keys(value)
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) errors.push(required(at(name)))
  if (minProperties !== undefined && names.length < minProperties) {
    errors.push(invalid(path, names.length, `${inBody(path)} should have at least ${minProperties} properties`))
  }
  if (maxProperties !== undefined && names.length > maxProperties)
    errors.push(tooMany(path, names.length, maxProperties))
  for (const name of names) {
    if (Object.hasOwn(properties, name)) errors.push(...openApiErrors(properties[name]!, value[name], at(name)))
    else if (typeof schema.additionalProperties === 'object') {
      errors.push(...openApiErrors(schema.additionalProperties as StructuralSchema, value[name], at(name)))
    }
  }
  return errors
}

function combinationErrors(schema: StructuralSchema, value: JsonValue, path: string): readonly FieldError[] {
  const { allOf, anyOf, oneOf, not } = schema as {
    readonly [part in 'allOf' | 'anyOf' | 'oneOf']?: readonly StructuralSchema[]
  } & { readonly not?: StructuralSchema }
  const holds = (part: StructuralSchema): boolean => openApiErrors(part, value, path).length === 0
  const errors: FieldError[] = (allOf ?? []).flatMap(part => openApiErrors(part, value, path))
  const fail = (why: string): void => void errors.push(invalid(path, value, `${inBody(path)} must validate ${why}`))
  if (anyOf && anyOf.length > 0 && !anyOf.some(holds)) fail('at least one schema (anyOf)')
  if (oneOf && oneOf.length > 0 && oneOf.filter(holds).length !== 1) fail('one and only one schema (oneOf)')
  if (not && holds(not)) errors.push(invalid(path, value, `${inBody(path)} must not validate the schema (not)`))
  return errors
}
