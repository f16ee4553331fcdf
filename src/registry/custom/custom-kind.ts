import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../api/apiextensions-v1/types.ts'
import type { ObjectMeta } from '../../api/meta-v1/types.ts'
import type { Verb } from '../../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import type { WatchCache } from '../cache/watch-cache.ts'
import type { KindDifferences, SubresourceHandler } from '../kind-definition.ts'
import type { ResourceInfo, SubresourceInfo } from '../resource.ts'
import type { BuiltInSchemas } from '../schema/built-in-schemas.ts'
import { apiVersionOf, type ServedKind } from '../served-kind.ts'
import { scaleBy } from '../subresources/scale.ts'
import { ageText } from '../tables/age.ts'
import type { Cell, TableColumn } from '../tables/table-column.ts'
import { hasRules, ruleErrors } from './cel-rules.ts'
import { openApiErrors } from './custom-validation.ts'
import { JsonPath } from './json-path.ts'
import { customReader, fillDefaults, ownershipSchemaOf, type StructuralSchema } from './structural-schema.ts'

const ALL_VERBS: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

export const customPrefixOf = ({ spec }: CustomResourceDefinition): string => `/${spec.group}/${spec.names.plural}/`

/** One version of a custom kind, ready to be served like any other. */
export function customKind(
  definition: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  { cache, builtIn }: { readonly cache: WatchCache; readonly builtIn: BuiltInSchemas },
): ServedKind {
  const info = customInfoOf(definition, version)
  const schema: StructuralSchema = version.schema?.openAPIV3Schema ?? { type: 'object' }
  const stored = definition.spec.versions.find(({ storage }) => storage) ?? version
  const storedVersion = apiVersionOf({ group: info.group, version: stored.name })
  return {
    info,
    schema: ownershipSchemaOf(schema, builtIn),
    differences: { ...customDifferences(version, schema), ...deprecationOf(info, version) },
    reader: customReader(schema, builtIn),
    prefix: customPrefixOf(definition),
    cache,
    isCustom: true,
    conversion: {
      toStored: object => withVersion(object, storedVersion),
      fromStored: object => withDefaults(schema, withVersion(object, apiVersionOf(info))),
    },
  }
}

function deprecationOf(info: ResourceInfo, { deprecated, deprecationWarning }: CustomResourceDefinitionVersion) {
  return deprecated ? { deprecation: deprecationWarning ?? `${apiVersionOf(info)} ${info.kind} is deprecated` } : {}
}

/** Conversion strategy `None`: the same object under another version. */
const withVersion = (object: JsonObject, apiVersion: string): JsonObject =>
  object.apiVersion === apiVersion ? object : { ...object, apiVersion }

/** Defaults that came into the schema after the object was stored show when it is read. */
function withDefaults(schema: StructuralSchema, object: JsonObject): JsonObject {
  if (!hasDefaults(schema)) return object
  const copy = structuredClone(object) as JsonObject
  fillDefaults(schema, copy)
  return copy
}

const known = new WeakMap<StructuralSchema, boolean>()

function hasDefaults(schema: StructuralSchema): boolean {
  let answer = known.get(schema)
  if (answer === undefined) {
    answer = JSON.stringify(schema).includes('"default":')
    known.set(schema, answer)
  }
  return answer
}

function customInfoOf({ spec }: CustomResourceDefinition, version: CustomResourceDefinitionVersion): ResourceInfo {
  const { group, names, scope } = spec
  const { kind, plural } = names
  const subresources: SubresourceInfo[] = []
  if (version.subresources?.status) subresources.push({ name: 'status', kind, verbs: ['get', 'patch', 'update'] })
  if (version.subresources?.scale) {
    subresources.push({
      name: 'scale',
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'patch', 'update'],
    })
  }
  return {
    group,
    version: version.name,
    kind,
    plural,
    singular: names.singular ?? kind.toLowerCase(),
    namespaced: scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs: ALL_VERBS,
    subresources,
    schema: `${group.split('.').reverse().join('.')}.${version.name}.${kind}`,
  }
}

function customDifferences(version: CustomResourceDefinitionVersion, schema: StructuralSchema): KindDifferences {
  const { subresources, additionalPrinterColumns, selectableFields = [] } = version
  const check = (object: JsonObject) => openApiErrors(schema, object, '')
  // Rules may count on the types of what they look at.
  const checkRules = (object: JsonObject, old?: JsonObject) =>
    hasRules(schema) && check(object).length === 0 ? ruleErrors(schema, { value: object, old, path: '' }) : []
  const scale = subresources?.scale && customScale(subresources.scale)
  return {
    hasGeneration: true,
    validate: check,
    validateCreate: object => checkRules(object),
    validateUpdate: checkRules,
    validateStatusUpdate: (object, old) => [...check(object), ...checkRules(object, old)],
    columns: additionalPrinterColumns?.length ? additionalPrinterColumns.map(customColumn) : [ageColumn],
    selectableFields: Object.fromEntries(
      selectableFields.map(({ jsonPath }) => {
        const path = new JsonPath(jsonPath)
        return [jsonPath.replace(/^\./, ''), (object: JsonObject) => textOf(path.firstIn(object))]
      }),
    ),
    ...(scale && { subresources: { scale } }),
  }
}

const textOf = (value: JsonValue | undefined): string | undefined => (value === undefined ? undefined : String(value))

const ageColumn: TableColumn = {
  name: 'Age',
  type: 'date',
  cell: ({ metadata }, now) => ageText((metadata as ObjectMeta).creationTimestamp, now),
}

function customColumn({
  name,
  type,
  format,
  description,
  jsonPath,
  priority,
}: CustomResourceColumnDefinition): TableColumn {
  const path = new JsonPath(jsonPath)
  return {
    name,
    type: type as TableColumn['type'],
    ...(format && { format }),
    ...(description && { description }),
    ...(priority && { wide: true }),
    cell: (object, now) => customCell(type, path.valuesIn(object), now),
  }
}

function customCell(type: string, values: readonly JsonValue[], now: Date): Cell {
  const [value] = values
  if (value === undefined || value === null) return null
  switch (type) {
    case 'date':
      return typeof value === 'string' ? ageText(value, now) : '<unknown>'
    case 'string':
      return values.map(item => (typeof item === 'string' ? item : JSON.stringify(item))).join(',')
    case 'integer':
    case 'number':
      return typeof value === 'number' ? (type === 'integer' ? Math.trunc(value) : value) : null
    default:
      return typeof value === 'boolean' ? value : null
  }
}

interface ScalePaths {
  readonly specReplicasPath: string
  readonly statusReplicasPath: string
  readonly labelSelectorPath?: string
}

function customScale({ specReplicasPath, statusReplicasPath, labelSelectorPath }: ScalePaths): SubresourceHandler {
  const spec = new JsonPath(specReplicasPath)
  const status = new JsonPath(statusReplicasPath)
  const selector = labelSelectorPath ? new JsonPath(labelSelectorPath) : undefined
  const numberOf = (value: JsonValue | undefined): number | undefined => (typeof value === 'number' ? value : undefined)
  return scaleBy({
    replicas: object => numberOf(spec.firstIn(object)),
    statusReplicas: object => numberOf(status.firstIn(object)),
    selector: object => textOf(selector?.firstIn(object)),
    withReplicas: (object, replicas) => withValue(object, specReplicasPath.replace(/^\./, '').split('.'), replicas),
  })
}

/** The paths of a scale are plain fields: `.spec.replicas`. */
function withValue(object: JsonObject, [name, ...rest]: readonly string[], value: JsonValue): JsonObject {
  if (name === undefined) return object
  if (rest.length === 0) return { ...object, [name]: value }
  const inner = object[name]
  return { ...object, [name]: withValue(isJsonObject(inner) ? inner : {}, rest, value) }
}
