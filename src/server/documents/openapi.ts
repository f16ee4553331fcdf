import { createHash } from 'node:crypto'
import type { JsonObject } from '../../machinery/json.ts'
import { notAcceptable } from '../../machinery/status.ts'
import type { Registry, ResourceInfo } from '../../registry/resource.ts'
import type { Exchange } from '../http/exchange.ts'
import { send, sendJson } from '../http/reply.ts'
import type { Discovery } from './discovery.ts'
import { kindMark, type Operation, operationId, PATCH_MEDIA_TYPES, type Parameter, pathsOf } from './openapi-paths.ts'
import {
  builtInSchemas,
  closureOf,
  customSchemas,
  listSchemaFor,
  listSchemaNameOf,
  type Schemas,
  schemaNameOf,
  swaggerSchema,
} from './openapi-schemas.ts'
import { isOpenApi2Protobuf, OPENAPI2_PROTOBUF } from './openapi-v2-media-type.ts'
import { versionInfo } from './version.ts'

interface Document {
  readonly body: Buffer
  readonly hash: string
}

/**
 * `/openapi/v2` and `/openapi/v3`: the schemas of everything served, and enough of the paths for clients to learn what
 * they may send where. Made when first asked for, kept as bytes until resources come or go. Version 2 is also there as
 * protobuf, which is all that old clients read.
 */
export class OpenApi {
  readonly #registry: Registry
  readonly #discovery: Discovery
  #documents?: Promise<ReadonlyMap<string, Document>>
  #protobuf?: Document

  constructor(registry: Registry, discovery: Discovery) {
    this.#registry = registry
    this.#discovery = discovery
    registry.onChange(() => {
      this.#documents = undefined
    })
  }

  async handle(exchange: Exchange): Promise<boolean> {
    const { path } = exchange
    if (path !== '/openapi/v2' && path !== '/openapi/v3' && !path.startsWith('/openapi/v3/')) return false
    const isProtobuf = path === '/openapi/v2' && isOpenApi2Protobuf(exchange.headers.accept)
    if (!isProtobuf && !acceptsJson(exchange.headers.accept)) throw notAcceptable(['application/json'])
    this.#documents ??= this.#made()
    const documents = await this.#documents
    if (path === '/openapi/v3') return this.#index(exchange, documents)
    const document = documents.get(path.slice('/openapi/'.length))
    if (!document) return false
    const headers = { etag: `"${document.hash}"`, vary: 'Accept' }
    if (isProtobuf) {
      const body = await this.#protobufOf(document)
      await send(exchange, {
        code: 200,
        mediaType: OPENAPI2_PROTOBUF,
        body,
        headers: { ...headers, etag: `"${document.hash}-pb"` },
      })
      return true
    }
    if (exchange.headers['if-none-match'] === headers.etag) exchange.respond({ code: 304, headers })
    else await send(exchange, { code: 200, mediaType: 'application/json', body: document.body, headers })
    return true
  }

  /** Made for the first old client that asks. */
  async #protobufOf(document: Document): Promise<Buffer> {
    if (this.#protobuf?.hash !== document.hash) {
      const { openApi2Protobuf } = await import('./openapi-v2-protobuf.ts')
      const body = openApi2Protobuf(JSON.parse(document.body.toString('utf8')) as JsonObject)
      this.#protobuf = { body, hash: document.hash }
    }
    return this.#protobuf.body
  }

  async #index(exchange: Exchange, documents: ReadonlyMap<string, Document>): Promise<boolean> {
    const paths = Object.fromEntries(
      [...documents]
        .filter(([name]) => name.startsWith('v3/'))
        .map(([name, { hash }]) => [name.slice(3), { serverRelativeURL: `/openapi/${name}?hash=${hash}` }]),
    )
    await sendJson(exchange, { paths })
    return true
  }

  async #made(): Promise<ReadonlyMap<string, Document>> {
    const schemas = new Map([...builtInSchemas(), ...(await customSchemas(this.#registry))])
    const documents = new Map<string, Document>()
    const all: ResourceInfo[] = []
    for (const { versions } of this.#discovery.groups()) {
      for (const { groupVersion, resources } of versions) {
        all.push(...resources)
        const name = groupVersion.includes('/') ? `v3/apis/${groupVersion}` : `v3/api/${groupVersion}`
        documents.set(name, documentOf(openApi3(resources, schemas)))
      }
    }
    documents.set('v2', documentOf(openApi2(all, schemas)))
    return documents
  }
}

function acceptsJson(accept = '*/*'): boolean {
  const types = accept.split(',').map(clause => clause.split(';')[0]!.trim())
  return types.some(type => type === '' || type === '*/*' || type === 'application/*' || type === 'application/json')
}

function documentOf(content: object): Document {
  const body = Buffer.from(JSON.stringify(content))
  return { body, hash: createHash('sha512').update(body).digest('hex').toUpperCase() }
}

const INFO = { title: 'Kubernetes', version: versionInfo.gitVersion }

function openApi3(resources: readonly ResourceInfo[], schemas: Schemas): object {
  const paths = Object.fromEntries(
    resources.flatMap(info =>
      [...pathsOf(info)].map(([path, operations]) => [
        path,
        {
          ...Object.fromEntries(operations.map(operation => [operation.method, operation3(path, operation)])),
          parameters: pathParameters(path).map(parameter3),
        },
      ]),
    ),
  )
  return {
    openapi: '3.0.0',
    info: INFO,
    paths,
    components: { schemas: Object.fromEntries(markedSchemas(resources, schemas)) },
  }
}

function openApi2(resources: readonly ResourceInfo[], schemas: Schemas): object {
  const paths = Object.fromEntries(
    resources.flatMap(info =>
      [...pathsOf(info)].map(([path, operations]) => [
        path,
        {
          ...Object.fromEntries(operations.map(operation => [operation.method, operation2(path, operation)])),
          parameters: pathParameters(path).map(parameter2),
        },
      ]),
    ),
  )
  const definitions = [...markedSchemas(resources, schemas)].map(([name, schema]) => [name, swaggerSchema(schema)])
  return { swagger: '2.0', info: INFO, paths, definitions: Object.fromEntries(definitions) }
}

const FROM_OPERATIONS = 'io.k8s.apimachinery.pkg.apis.meta.v1'

function markedSchemas(resources: readonly ResourceInfo[], schemas: Schemas): Map<string, JsonObject> {
  const marks = new Map<string, JsonObject[]>()
  const own = new Map(schemas)
  for (const info of resources) {
    const name = schemaNameOf(info)
    marks.set(name, [kindMark({ info })])
    if (!own.has(name)) own.set(name, { type: 'object' })
    if (!info.verbs.includes('list')) continue
    const listName = listSchemaNameOf(info)
    marks.set(listName, [{ group: info.group, kind: `${info.kind}List`, version: info.version }])
    if (!own.has(listName)) own.set(listName, listSchemaFor(name))
  }
  const roots = [...marks.keys(), ...operationSchemas(resources)]
  const found = [...closureOf(roots, own)].sort(([a], [b]) => (a < b ? -1 : 1))
  return new Map(
    found.map(([name, schema]) => {
      const mark = marks.get(name)
      return [name, mark ? { ...schema, 'x-kubernetes-group-version-kind': mark } : schema]
    }),
  )
}

function operationSchemas(resources: readonly ResourceInfo[]): Set<string> {
  const names = new Set([`${FROM_OPERATIONS}.DeleteOptions`, `${FROM_OPERATIONS}.Status`, `${FROM_OPERATIONS}.Patch`])
  for (const info of resources) {
    for (const operations of pathsOf(info).values()) {
      for (const { responseSchema, bodySchema } of operations) {
        names.add(responseSchema)
        if (bodySchema) names.add(bodySchema)
      }
    }
  }
  return names
}

const pathParameters = (path: string): Parameter[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name: name!, in: 'path', type: 'string' }))

const marksOf = (operation: Operation): JsonObject => ({
  'x-kubernetes-action': operation.action,
  'x-kubernetes-group-version-kind': kindMark(operation),
})

const parameter3 = ({ name, in: place, type }: Parameter): JsonObject => ({
  name,
  in: place,
  ...(place === 'path' && { required: true }),
  schema: { type, uniqueItems: true },
})

function operation3(path: string, operation: Operation): JsonObject {
  const { method, bodySchema, responseSchema, parameters } = operation
  const schema = (name: string): JsonObject => ({ schema: { $ref: `#/components/schemas/${name}` } })
  const bodyTypes = method === 'patch' ? PATCH_MEDIA_TYPES : ['application/json', 'application/yaml']
  const content = bodySchema && Object.fromEntries(bodyTypes.map(type => [type, schema(bodySchema)]))
  const answers = { 'application/json': schema(responseSchema), 'application/yaml': schema(responseSchema) }
  return {
    operationId: operationId(path, method),
    parameters: parameters.map(parameter3),
    ...(content && { requestBody: { content } }),
    responses: { '200': { description: 'OK', content: answers }, '401': { description: 'Unauthorized' } },
    ...marksOf(operation),
  }
}

const parameter2 = ({ name, in: place, type }: Parameter): JsonObject => ({
  name,
  in: place,
  ...(place === 'path' && { required: true }),
  type,
  uniqueItems: true,
})

function operation2(path: string, operation: Operation): JsonObject {
  const { method, bodySchema, responseSchema, parameters } = operation
  const reference = (name: string): JsonObject => ({ $ref: `#/definitions/${name}` })
  const body = bodySchema ? [{ name: 'body', in: 'body', schema: reference(bodySchema) }] : []
  return {
    operationId: operationId(path, method),
    consumes: method === 'patch' ? PATCH_MEDIA_TYPES : ['application/json', 'application/yaml'],
    produces: ['application/json', 'application/yaml'],
    schemes: ['https'],
    parameters: [...parameters.map(parameter2), ...body],
    responses: {
      '200': { description: 'OK', schema: reference(responseSchema) },
      '401': { description: 'Unauthorized' },
    },
    ...marksOf(operation),
  }
}
