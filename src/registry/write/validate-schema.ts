import { type FieldError, notSupported, required } from '../../machinery/field-error.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import type { Schema } from '../../machinery/schema.ts'

/** What the schema alone can tell of a decoded object: missing fields and values outside of an enumeration. */
export function schemaErrors(schema: Schema, object: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = []
  for (const [name, part] of Object.entries(object)) {
    // Status comes from components that know what they may leave out; clients cannot write it but on its own endpoint.
    if (name === 'metadata' || name === 'status' || part === undefined) continue
    const property = schema.properties.get(name)
    if (property) collect(property, { value: part, path: name }, errors)
  }
  for (const name of schema.required) {
    const property = schema.properties.get(name)
    if (object[name] === undefined && property && !mayBeZero(name, property)) errors.push(required(name))
  }
  return errors
}

interface Part {
  readonly value: JsonValue
  readonly path: string
}

function collect(schema: Schema, { value, path }: Part, errors: FieldError[]): void {
  switch (schema.type) {
    case 'object':
      if (isJsonObject(value)) collectObject(schema, { value, path }, errors)
      return
    case 'map':
      if (!isJsonObject(value) || isPlain(schema.values)) return
      for (const [key, part] of Object.entries(value)) {
        if (part !== undefined) collect(schema.values!, { value: part, path: `${path}[${key}]` }, errors)
      }
      return
    case 'array':
      if (!Array.isArray(value) || isPlain(schema.items)) return
      value.forEach((part: JsonValue, index) => {
        collect(schema.items!, { value: part, path: `${path}[${index}]` }, errors)
      })
      return
    default:
      if (schema.enum && value !== '' && !schema.enum.includes(value)) {
        errors.push(notSupported(path, value, schema.enum.filter(choice => choice !== '').map(String)))
      }
  }
}

const isPlain = (schema: Schema | undefined): boolean =>
  !schema || (schema.enum === undefined && schema.type !== 'object' && schema.type !== 'map' && schema.type !== 'array')

function collectObject(
  schema: Schema,
  { value, path }: { value: JsonObject; path: string },
  errors: FieldError[],
): void {
  for (const name of schema.required) {
    if (value[name] !== undefined) continue
    const property = schema.properties.get(name)
    if (property && !mayBeZero(name, property)) errors.push(required(`${path}.${name}`))
  }
  for (const name in value) {
    const property = schema.properties.get(name)
    const part = value[name]
    if (!property || part === undefined || (property.type === 'string' && !property.enum)) continue
    collect(property, { value: part, path: `${path}.${name}` }, errors)
  }
}

/** Texts that must be there and may yet be empty. */
const MAY_BE_EMPTY = new Set(['message', 'reason', 'value'])

/** Lists, numbers, times and structures whose zero value is as good as any: their absence says nothing. */
function mayBeZero(name: string, { type, format, default: standard }: Schema): boolean {
  if (format === 'date-time' || format === 'micro-time') return true
  if (type === 'string' && standard === '') return MAY_BE_EMPTY.has(name)
  return type === 'array' || type === 'map' || type === 'boolean' || type === 'any' || standard !== undefined
}
