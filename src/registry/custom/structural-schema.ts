import type { JSONSchemaProps } from '../../api/apiextensions-v1/types.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject, type MutableJson, setOwn } from '../../machinery/merge-patch.ts'
import type { Schema } from '../../machinery/schema.ts'
import type { BuiltInSchemas } from '../schema/built-in-schemas.ts'
import { CompiledSchema, type OpenApiSchema } from '../schema/compiled-schema.ts'
import { decode } from '../schema/decode.ts'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/** A node of a structural schema, with the names of OpenAPI. */
export type StructuralSchema = JSONSchemaProps

/** The schema of a custom resource for field ownership: its own fields, and the metadata of every object. */
export function ownershipSchemaOf(schema: StructuralSchema, builtIn: BuiltInSchemas): Schema {
  const document = {
    ...schema,
    type: 'object',
    properties: {
      ...(schema.properties as { readonly [name: string]: OpenApiSchema } | undefined),
      metadata: { $ref: `#/components/schemas/${OBJECT_META}` },
    },
  }
  // A structural schema is OpenAPI v3 as the compiler reads it.
  return new CompiledSchema(document as unknown as OpenApiSchema, { resolve: name => builtIn.compiled(name) })
}

/** Reads custom objects: drops what the schema does not know, fills in defaults, decodes metadata. */
export function customReader(schema: StructuralSchema, builtIn: BuiltInSchemas) {
  const metadataSchema = builtIn.find(OBJECT_META)
  return {
    read(body: JsonObject, { addsDefaults = true } = {}): { object: JsonObject; unknownFields: readonly string[] } {
      const unknownFields: string[] = []
      const { apiVersion, kind, metadata, ...rest } = body
      const decoded = decode(metadataSchema, isJsonObject(metadata) ? metadata : {})
      unknownFields.push(...decoded.unknownFields.map(field => `metadata.${field}`))
      const own = pruned(schema, rest, { path: '', unknownFields }) as MutableJson
      if (addsDefaults) fillDefaults(schema, own)
      return { object: { apiVersion, kind, metadata: decoded.object, ...own }, unknownFields }
    },
  }
}

interface Pruning {
  readonly path: string
  readonly unknownFields: string[]
}

/** A private copy without unknown fields. Values of the wrong type stay: the validation names them. */
function pruned(schema: StructuralSchema | undefined, value: JsonValue, { path, unknownFields }: Pruning): JsonValue {
  if (Array.isArray(value)) {
    const items = schema?.items as StructuralSchema | undefined
    return value.map((item: JsonValue, index) => pruned(items, item, { path: `${path}[${index}]`, unknownFields }))
  }
  if (!isJsonObject(value)) return value
  const out: MutableJson = {}
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined) continue
    const at = path === '' ? key : `${path}.${key}`
    const known = partOf(schema, key)
    if (known === 'unknown') unknownFields.push(at)
    else setOwn(out, key, pruned(known === 'anything' ? undefined : known, part, { path: at, unknownFields }))
  }
  return out
}

const isEmbedded = (schema: StructuralSchema): boolean => schema['x-kubernetes-embedded-resource'] === true
const EMBEDDED_FIELDS = new Set(['apiVersion', 'kind', 'metadata'])

/** The schema of a field; without any schema everything is kept as it is. */
function partOf(schema: StructuralSchema | undefined, key: string): StructuralSchema | 'anything' | 'unknown' {
  if (!schema) return 'anything'
  const properties = schema.properties as { readonly [name: string]: StructuralSchema } | undefined
  if (properties && Object.hasOwn(properties, key)) return properties[key]!
  const values = schema.additionalProperties as StructuralSchema | boolean | undefined
  if (values === true) return 'anything'
  if (typeof values === 'object') return values
  if (schema['x-kubernetes-preserve-unknown-fields'] || (isEmbedded(schema) && EMBEDDED_FIELDS.has(key)))
    return 'anything'
  return 'unknown'
}

/** Sets defaults where a field is absent, from the outside in, so that defaults of defaults apply too. */
export function fillDefaults(schema: StructuralSchema | undefined, value: JsonValue | undefined): void {
  if (!schema) return
  if (Array.isArray(value)) {
    for (const item of value) fillDefaults(schema.items as StructuralSchema | undefined, item)
    return
  }
  if (!isJsonObject(value)) return
  const object = value as MutableJson
  const properties = (schema.properties ?? {}) as { readonly [name: string]: StructuralSchema }
  for (const [name, property] of Object.entries(properties)) {
    const isNothing = !Object.hasOwn(object, name) || (object[name] === null && !property.nullable)
    if (isNothing && property.default !== undefined)
      setOwn(object, name, structuredClone(property.default) as JsonValue)
    else if (isNothing) delete object[name]
    if (Object.hasOwn(object, name)) fillDefaults(property, object[name])
  }
  const values = schema.additionalProperties
  if (typeof values !== 'object') return
  for (const [name, part] of Object.entries(object)) {
    if (!Object.hasOwn(properties, name)) fillDefaults(values as StructuralSchema, part)
  }
}
