import { kubernetesSchemas } from '../../machinery/interface-data.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import type { CallContext, Registry, ResourceInfo } from '../../registry/resource.ts'

/** Schemas by their name in `/openapi`. */
export type Schemas = ReadonlyMap<string, JsonObject>

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const reference = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` })

/** The schemas of every built-in type. Read when first asked for: most clients never do. */
export const builtInSchemas = (): Map<string, JsonObject> => new Map(Object.entries(kubernetesSchemas))

/** Where a kind's schema is found: a custom kind has none among the built-in ones, so its name is made as upstream does. */
export function schemaNameOf(info: ResourceInfo): string {
  if (info.schema.startsWith('io.k8s.')) return info.schema
  return `${info.group.split('.').reverse().join('.')}.${info.version}.${info.kind}`
}

export const listSchemaNameOf = (info: ResourceInfo): string => `${schemaNameOf(info)}List`

interface Version {
  readonly name: string
  readonly schema?: { readonly openAPIV3Schema?: JsonObject }
}

/** The schemas of custom kinds, as their definitions give them. */
export async function customSchemas(registry: Registry): Promise<Map<string, JsonObject>> {
  const schemas = new Map<string, JsonObject>()
  const definitions = registry.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions')
  if (!definitions) return schemas
  const { group, version, plural: resource } = definitions.info
  const list = await definitions.list({ verb: 'list', group, version, resource }, context)
  for (const { object } of list.items) {
    const spec = object.spec as JsonObject
    for (const version of (spec.versions ?? []) as unknown as readonly Version[]) {
      const group = String(spec.group)
      const { kind } = spec.names as JsonObject
      const name = `${group.split('.').reverse().join('.')}.${version.name}.${String(kind)}`
      schemas.set(name, withStandardFields(version.schema?.openAPIV3Schema ?? { type: 'object' }))
    }
  }
  return schemas
}

const context: CallContext = { user: { name: 'system:apiserver', groups: ['system:masters'] }, warn: () => {} }

function withStandardFields(schema: JsonObject): JsonObject {
  const properties = {
    ...(schema.properties as JsonObject | undefined),
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { allOf: [reference(`${META}.ObjectMeta`)] },
  }
  return { ...schema, properties }
}

export const listSchemaFor = (itemSchema: string): JsonObject => ({
  type: 'object',
  required: ['items'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { allOf: [reference(`${META}.ListMeta`)], default: {} },
    items: { type: 'array', items: reference(itemSchema) },
  },
})

/** The schemas that these need, and those that they need, and so on. */
export function closureOf(names: Iterable<string>, schemas: Schemas): Map<string, JsonObject> {
  const found = new Map<string, JsonObject>()
  const waiting = [...names]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const schema = schemas.get(name)
    if (!schema || found.has(name)) continue
    found.set(name, schema)
    waiting.push(...referencesIn(schema))
  }
  return found
}

function referencesIn(value: JsonValue | undefined): string[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap(referencesIn)
  const { $ref } = value as JsonObject
  if (typeof $ref === 'string') return [$ref.slice($ref.lastIndexOf('/') + 1)]
  return Object.values(value as JsonObject).flatMap(referencesIn)
}

const UNKNOWN_TO_SWAGGER: ReadonlySet<string> = new Set(['oneOf', 'anyOf', 'not', 'nullable'])

/** The same schema in the words of OpenAPI 2.0, which knows neither a reference with neighbours nor `oneOf`. */
export function swaggerSchema(schema: JsonObject): JsonObject {
  const { allOf, properties, items, additionalProperties, ...others } = schema
  const rest = Object.fromEntries(Object.entries(others).filter(([key]) => !UNKNOWN_TO_SWAGGER.has(key)))
  const [only] = Array.isArray(allOf) && allOf.length === 1 ? (allOf as JsonObject[]) : []
  const target = schema.$ref ?? only?.$ref
  if (typeof target === 'string') return { $ref: swaggerReference(target) }
  if (rest.format === 'int-or-string') return { type: 'string', format: 'int-or-string' }
  const isNested = typeof additionalProperties === 'object'
  return {
    ...rest,
    ...(properties !== undefined && { properties: swaggerProperties(properties as JsonObject) }),
    ...(items !== undefined && { items: swaggerSchema(items as JsonObject) }),
    ...(additionalProperties !== undefined && {
      additionalProperties: isNested ? swaggerSchema(additionalProperties as JsonObject) : additionalProperties,
    }),
  }
}

const swaggerProperties = (properties: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, swaggerSchema(schema as JsonObject)]))

const swaggerReference = (text: string): string => text.replace('#/components/schemas/', '#/definitions/')
