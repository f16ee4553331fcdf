import type { JSONSchemaProps } from '../../api/apiextensions-v1/types.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../machinery/field-error.ts'
import type { JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import { ruleProblem } from './cel-rules.ts'
import { openApiErrors, patternProblem } from './custom-validation.ts'
import type { StructuralSchema } from './structural-schema.ts'

/** What is wrong with a schema at its root: it must be structural (KEP-1693) and describe an object. */
export function schemaDefinitionErrors(root: JSONSchemaProps, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  if (!root.type) errors.push(required(`${path}.type`, 'must not be empty at the root'))
  else if (root.type !== 'object') errors.push(invalid(`${path}.type`, root.type, 'must be object at the root'))
  if (root.nullable) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  return [...errors, ...structureErrors(root, { path, place: 'root' }), ...metadataErrors(root, path)]
}

interface Place {
  readonly path: string
  readonly place: 'root' | 'field' | 'item'
}

const WHERE = { root: 'at the root', field: 'for specified object fields', item: 'for specified array items' }

/** A structural schema says the type of every value, so that pruning and defaulting know what they have. */
function structureErrors(schema: JSONSchemaProps, { path, place }: Place): readonly FieldError[] {
  return [
    ...(place === 'root' ? [] : typeErrors(schema, { path, place })),
    ...forbiddenErrors(schema, path),
    ...listErrors(schema, path),
    ...mapErrors(schema, path),
    ...defaultErrors(schema, path),
    ...patternErrors(schema, path),
    ...ruleDefinitionErrors(schema, path),
    ...partsOf(schema, path).flatMap(part => structureErrors(part.schema, part)),
    ...combinedErrors(schema, path),
  ]
}

interface Part extends Place {
  readonly schema: JSONSchemaProps
}

function partsOf(schema: JSONSchemaProps, path: string): readonly Part[] {
  const parts: Part[] = Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    schema: property,
    path: `${path}.properties[${name}]`,
    place: 'field',
  }))
  if (isSchema(schema.items)) parts.push({ schema: schema.items, path: `${path}.items`, place: 'item' })
  if (isSchema(schema.additionalProperties)) {
    parts.push({ schema: schema.additionalProperties, path: `${path}.additionalProperties`, place: 'field' })
  }
  return parts
}

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']

function typeErrors(schema: JSONSchemaProps, { path, place }: Place): readonly FieldError[] {
  const { type } = schema
  const isEither = schema['x-kubernetes-int-or-string']
  if (isEither && type) return [invalid(`${path}.type`, type, 'must be empty if x-kubernetes-int-or-string is true')]
  if (!type && !isEither && !schema['x-kubernetes-preserve-unknown-fields']) {
    return [required(`${path}.type`, `must not be empty ${WHERE[place]}`)]
  }
  if (type && !TYPES.includes(type)) return [notSupported(`${path}.type`, type, TYPES)]
  if (schema['x-kubernetes-embedded-resource'] && type !== 'object') {
    return [invalid(`${path}.type`, type ?? '', 'must be object if x-kubernetes-embedded-resource is true')]
  }
  return []
}

/** Parts of JSON schema that a structural one may not have. */
const UNSUPPORTED = ['$ref', 'definitions', 'dependencies', 'patternProperties', 'additionalItems', 'id'] as const

function forbiddenErrors(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const errors: FieldError[] = UNSUPPORTED.filter(field => schema[field] !== undefined).map(field =>
    forbidden(`${path}.${field}`, `${field} is not supported`),
  )
  if (schema.uniqueItems) {
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    )
  }
  if (schema.properties && schema.additionalProperties) {
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  }
  if (schema.additionalProperties === (false as unknown)) {
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'))
  }
  return errors
}

function listErrors(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const at = `${path}.x-kubernetes-list-type`
  if (schema.type === 'array' && !schema.items) errors.push(required(`${path}.items`, 'must be specified'))
  if (listType !== undefined) {
    if (!['atomic', 'set', 'map'].includes(listType)) {
      errors.push(notSupported(at, listType, ['atomic', 'set', 'map']))
    }
    if (schema.type !== 'array') {
      errors.push(invalid(`${path}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'))
    }
  }
  if (listType !== 'map') {
    if (keys.length === 0) return errors
    return [...errors, invalid(at, listType ?? '', 'must be map if x-kubernetes-list-map-keys is non-empty')]
  }
  const keysAt = `${path}.x-kubernetes-list-map-keys`
  if (keys.length === 0) errors.push(required(keysAt, 'must not be empty if x-kubernetes-list-type is map'))
  const items = isSchema(schema.items) ? schema.items : undefined
  if (items && items.type !== 'object') {
    errors.push(
      invalid(`${path}.items.type`, items.type ?? '', 'must be object if parent array x-kubernetes-list-type is map'),
    )
  }
  keys.forEach((key, index) => {
    const property = items?.properties?.[key]
    if (!property) errors.push(invalid(`${keysAt}[${index}]`, key, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object') {
      errors.push(
        invalid(
          `${path}.items.properties[${key}].type`,
          property.type,
          'must be a scalar type if parent array x-kubernetes-list-type is map',
        ),
      )
    } else if (property.default === undefined && !items?.required?.includes(key)) {
      errors.push(
        required(
          `${path}.items.properties[${key}].default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      )
    }
  })
  return errors
}

function mapErrors(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const mapType = schema['x-kubernetes-map-type']
  if (mapType === undefined) return []
  const errors: FieldError[] = []
  if (mapType !== 'atomic' && mapType !== 'granular') {
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
  }
  if (schema.type !== 'object') {
    errors.push(invalid(`${path}.type`, schema.type ?? '', 'must be object if x-kubernetes-map-type is specified'))
  }
  return errors
}

/** A default that its own schema refuses would make every object that leaves it out invalid. */
function defaultErrors(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const value = schema.default as JsonValue | undefined
  if (value === undefined || value === null) return []
  return openApiErrors(schema as StructuralSchema, value, '').map(({ reason, field, message }) => ({
    reason,
    field: `${path}.default${field && `.${field}`}`,
    message,
  }))
}

function patternErrors({ pattern }: JSONSchemaProps, path: string): readonly FieldError[] {
  const problem = pattern === undefined ? undefined : patternProblem(pattern)
  return problem
    ? [invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${problem}`)]
    : []
}

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

function ruleDefinitionErrors(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((validation, index) => {
    const { rule, message, messageExpression, reason } = validation
    const at = `${path}.x-kubernetes-validations[${index}]`
    if (!rule?.trim()) return [required(`${at}.rule`, 'rule is not specified')]
    const errors: FieldError[] = []
    const problem = ruleProblem(rule)
    if (problem) errors.push(invalid(`${at}.rule`, rule, problem))
    if (message !== undefined && message.trim() === '') {
      errors.push(invalid(`${at}.message`, message, 'message must be non-empty if specified'))
    }
    if (message?.trim().includes('\n')) {
      errors.push(invalid(`${at}.message`, message, 'message must not contain line breaks'))
    }
    const expressionProblem = messageExpression ? ruleProblem(messageExpression) : undefined
    if (expressionProblem) errors.push(invalid(`${at}.messageExpression`, messageExpression, expressionProblem))
    if (reason && !REASONS.includes(reason)) errors.push(notSupported(`${at}.reason`, reason, REASONS))
    return errors
  })
}

/** What only the structure itself may say, and no part that is combined with it. */
const STRUCTURE_ONLY = [
  'type',
  'default',
  'title',
  'description',
  'nullable',
  'additionalProperties',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
] as const

function combinedErrors(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const isEither = schema['x-kubernetes-int-or-string'] === true
  const combined = (['allOf', 'anyOf', 'oneOf'] as const).flatMap(field =>
    (schema[field] ?? []).map((part, index) => ({ part, at: `${path}.${field}[${index}]` })),
  )
  const all = schema.not ? [...combined, { part: schema.not, at: `${path}.not` }] : combined
  return all.flatMap(({ part, at }) => nestedErrors(part, { at, beside: schema, mayHaveType: isEither }))
}

interface Beside {
  readonly at: string
  readonly beside: JSONSchemaProps
  readonly mayHaveType: boolean
}

function nestedErrors(part: JSONSchemaProps, { at, beside, mayHaveType }: Beside): readonly FieldError[] {
  const errors: FieldError[] = STRUCTURE_ONLY.filter(
    field => part[field] !== undefined && part[field] !== false && !(mayHaveType && field === 'type'),
  ).map(field => forbidden(`${at}.${field}`, `must be ${field === 'nullable' ? 'false' : 'empty'} to be structural`))
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    const own = beside.properties?.[name]
    if (own)
      errors.push(...nestedErrors(property, { at: `${at}.properties[${name}]`, beside: own, mayHaveType: false }))
    else if (!isSchema(beside.additionalProperties)) {
      errors.push(required(pathBeside(at, name), `because it is defined in ${at}.properties[${name}]`))
    }
  }
  return errors
}

/** Where the structure would have to name a property that a combined part speaks of. */
const pathBeside = (at: string, name: string): string =>
  `${at.replace(/\.(?:allOf|anyOf|oneOf)\[\d+\].*$|\.not.*$/, '')}.properties[${name}]`

/** The server knows metadata; a schema may only narrow the names. */
function metadataErrors({ properties }: JSONSchemaProps, path: string): readonly FieldError[] {
  const metadata = properties?.metadata
  if (!metadata) return []
  const isNarrow = Object.keys(metadata.properties ?? {}).every(name => name === 'name' || name === 'generateName')
  const at = `${path}.properties[metadata]`
  if (metadata.type && metadata.type !== 'object') return [invalid(`${at}.type`, metadata.type, 'must be object')]
  return isNarrow
    ? []
    : [
        forbidden(
          at,
          'must not specify anything other than name and generateName, but metadata is implicitly specified',
        ),
      ]
}

const isSchema = (value: unknown): value is JSONSchemaProps => isJsonObject(value as JsonValue)
