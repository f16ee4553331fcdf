import protobuf from 'protobufjs'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'

type Fields = { readonly [name: string]: readonly [id: number, type: string, rule?: 'repeated'] }

/** The part of the `openapi.v2` messages (gnostic) that is filled in. */
const MESSAGES: { readonly [name: string]: Fields } = {
  Document: {
    swagger: [1, 'string'],
    info: [2, 'Info'],
    paths: [8, 'Paths'],
    definitions: [9, 'Definitions'],
  },
  Info: { title: [1, 'string'], version: [2, 'string'] },
  Paths: { path: [2, 'NamedPathItem', 'repeated'] },
  NamedPathItem: { name: [1, 'string'], value: [2, 'PathItem'] },
  PathItem: {
    get: [2, 'Operation'],
    put: [3, 'Operation'],
    post: [4, 'Operation'],
    delete: [5, 'Operation'],
    patch: [8, 'Operation'],
  },
  Operation: {
    operationId: [5, 'string'],
    produces: [6, 'string', 'repeated'],
    consumes: [7, 'string', 'repeated'],
    parameters: [8, 'ParametersItem', 'repeated'],
    vendorExtension: [13, 'NamedAny', 'repeated'],
  },
  ParametersItem: { parameter: [1, 'Parameter'] },
  Parameter: { nonBodyParameter: [2, 'NonBodyParameter'] },
  NonBodyParameter: { queryParameterSubSchema: [3, 'QueryParameter'] },
  QueryParameter: { in: [2, 'string'], name: [4, 'string'], type: [6, 'string'] },
  Definitions: { additionalProperties: [1, 'NamedSchema', 'repeated'] },
  NamedSchema: { name: [1, 'string'], value: [2, 'Schema'] },
  Schema: {
    ref: [1, 'string'],
    format: [2, 'string'],
    description: [4, 'string'],
    default: [5, 'Any'],
    required: [19, 'string', 'repeated'],
    enum: [20, 'Any', 'repeated'],
    additionalProperties: [21, 'AdditionalPropertiesItem'],
    type: [22, 'TypeItem'],
    items: [23, 'ItemsItem'],
    properties: [25, 'Definitions'],
    vendorExtension: [31, 'NamedAny', 'repeated'],
  },
  AdditionalPropertiesItem: { schema: [1, 'Schema'], boolean: [2, 'bool'] },
  TypeItem: { value: [1, 'string', 'repeated'] },
  ItemsItem: { schema: [1, 'Schema', 'repeated'] },
  NamedAny: { name: [1, 'string'], value: [2, 'Any'] },
  Any: { yaml: [2, 'string'] },
}

/** Encodes an OpenAPI 2.0 document as the protobuf message of the same content. */
export function openApi2Protobuf(document: JsonObject): Buffer {
  const nested = Object.fromEntries(
    Object.entries(MESSAGES).map(([name, fields]) => [
      name,
      {
        fields: Object.fromEntries(
          Object.entries(fields).map(([field, [id, type, rule]]) => [field, { id, type, ...(rule && { rule }) }]),
        ),
      },
    ]),
  )
  const type = protobuf.Root.fromJSON({ nested }).lookupType('Document')
  const paths = Object.entries(document.paths as JsonObject).map(([name, item]) => ({
    name,
    value: pathItem(item as JsonObject),
  }))
  const message = {
    swagger: document.swagger,
    info: document.info,
    paths: { path: paths },
    definitions: { additionalProperties: namedSchemas(document.definitions as JsonObject) },
  }
  return Buffer.from(type.encode(type.fromObject(message)).finish())
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch']

const pathItem = (item: JsonObject): object =>
  Object.fromEntries(
    METHODS.filter(method => item[method]).map(method => [method, operation(item[method] as JsonObject)]),
  )

const operation = (source: JsonObject): object => ({
  operationId: source.operationId,
  produces: source.produces,
  consumes: source.consumes,
  parameters: (source.parameters as readonly JsonObject[])
    .filter(parameter => parameter.in === 'query')
    .map(({ name, type }) => ({
      parameter: { nonBodyParameter: { queryParameterSubSchema: { in: 'query', name, type } } },
    })),
  vendorExtension: extensions(source),
})

const namedSchemas = (schemas: JsonObject): object[] =>
  Object.entries(schemas).map(([name, value]) => ({ name, value: schemaMessage(value as JsonObject) }))

function schemaMessage(schema: JsonObject): object {
  const { additionalProperties, items, properties, type } = schema
  return {
    ...(schema.$ref !== undefined && { ref: schema.$ref }),
    ...(schema.format !== undefined && { format: schema.format }),
    ...(schema.description !== undefined && { description: schema.description }),
    ...(schema.default !== undefined && { default: any(schema.default) }),
    ...(Array.isArray(schema.required) && { required: schema.required }),
    ...(Array.isArray(schema.enum) && { enum: schema.enum.map(any) }),
    ...(typeof type === 'string' && { type: { value: [type] } }),
    ...(items !== undefined && { items: { schema: [schemaMessage(items as JsonObject)] } }),
    ...(properties !== undefined && { properties: { additionalProperties: namedSchemas(properties as JsonObject) } }),
    ...(additionalProperties !== undefined && { additionalProperties: additional(additionalProperties) }),
    vendorExtension: extensions(schema),
  }
}

const additional = (value: JsonValue): object =>
  typeof value === 'boolean' ? { boolean: value } : { schema: schemaMessage(value as JsonObject) }

/** JSON is YAML. */
const any = (value: JsonValue): object => ({ yaml: JSON.stringify(value) })

const extensions = (source: JsonObject): object[] =>
  Object.entries(source)
    .filter(([name, value]) => name.startsWith('x-') && value !== undefined)
    .map(([name, value]) => ({ name, value: any(value!) }))
