import type { JsonObject } from '../../machinery/json.ts'
import type { ResourceInfo } from '../../registry/resource.ts'
import { listSchemaNameOf, schemaNameOf } from './openapi-schemas.ts'

/** One thing that can be done at a path, before it is written in either version of OpenAPI. */
export interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'delete' | 'patch'
  readonly action: string
  readonly info: ResourceInfo
  /** Kind of the subresource, when it has one of its own. */
  readonly subresource?: {
    readonly name: string
    readonly group?: string
    readonly version?: string
    readonly kind: string
  }
  readonly responseSchema: string
  readonly bodySchema?: string
  readonly parameters: readonly Parameter[]
}

export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path'
  readonly type: 'string' | 'boolean' | 'integer'
}

const DELETE_OPTIONS = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'
const STATUS = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status'
const PATCH = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch'

const query = (name: string, type: Parameter['type'] = 'string'): Parameter => ({ name, in: 'query', type })
const WRITING = [query('dryRun'), query('fieldManager'), query('fieldValidation')]
const LISTING = [
  query('allowWatchBookmarks', 'boolean'),
  query('continue'),
  query('fieldSelector'),
  query('labelSelector'),
  query('limit', 'integer'),
  query('resourceVersion'),
  query('resourceVersionMatch'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
  query('watch', 'boolean'),
]
const DELETING = [
  query('dryRun'),
  query('gracePeriodSeconds', 'integer'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy'),
]

/** All paths of a resource, with what can be done at each. */
export function pathsOf(info: ResourceInfo): ReadonlyMap<string, readonly Operation[]> {
  const root = info.group ? `/apis/${info.group}/${info.version}` : `/api/${info.version}`
  const base = info.namespaced ? `${root}/namespaces/{namespace}/${info.plural}` : `${root}/${info.plural}`
  const paths = new Map<string, readonly Operation[]>([
    [base, collectionOperations(info)],
    [`${base}/{name}`, objectOperations(info)],
  ])
  if (info.namespaced)
    paths.set(
      `${root}/${info.plural}`,
      collectionOperations(info).filter(({ method }) => method === 'get'),
    )
  for (const subresource of info.subresources) {
    paths.set(`${base}/{name}/${subresource.name}`, subresourceOperations(info, subresource))
  }
  return new Map([...paths].filter(([, operations]) => operations.length > 0))
}

function collectionOperations(info: ResourceInfo): Operation[] {
  const own = schemaNameOf(info)
  const candidates: Operation[] = [
    { method: 'get', action: 'list', info, responseSchema: listSchemaNameOf(info), parameters: LISTING },
    { method: 'post', action: 'post', info, responseSchema: own, bodySchema: own, parameters: WRITING },
    {
      method: 'delete',
      action: 'deletecollection',
      info,
      responseSchema: STATUS,
      bodySchema: DELETE_OPTIONS,
      parameters: [...LISTING.filter(({ name }) => name !== 'watch'), ...DELETING],
    },
  ]
  const verbs: ReadonlySet<string> = new Set(info.verbs)
  return candidates.filter(({ action }) => verbs.has(action === 'post' ? 'create' : action))
}

function objectOperations(info: ResourceInfo): Operation[] {
  const own = schemaNameOf(info)
  const candidates: Operation[] = [
    { method: 'get', action: 'get', info, responseSchema: own, parameters: [] },
    { method: 'put', action: 'put', info, responseSchema: own, bodySchema: own, parameters: WRITING },
    {
      method: 'delete',
      action: 'delete',
      info,
      responseSchema: STATUS,
      bodySchema: DELETE_OPTIONS,
      parameters: DELETING,
    },
    patchOperation(info, own),
  ]
  const verbs: ReadonlySet<string> = new Set(info.verbs)
  return candidates.filter(({ action }) => verbs.has(action === 'put' ? 'update' : action))
}

const patchOperation = (info: ResourceInfo, responseSchema: string): Operation => ({
  method: 'patch',
  action: 'patch',
  info,
  responseSchema,
  bodySchema: PATCH,
  parameters: [...WRITING, query('force', 'boolean')],
})

function subresourceOperations(info: ResourceInfo, subresource: ResourceInfo['subresources'][number]): Operation[] {
  const schema =
    subresource.kind === info.kind ? schemaNameOf(info) : (SUBRESOURCE_SCHEMAS.get(subresource.kind) ?? STATUS)
  const candidates: (Operation & { verb: string })[] = [
    { verb: 'get', method: 'get', action: 'get', info, subresource, responseSchema: schema, parameters: [] },
    {
      verb: 'update',
      method: 'put',
      action: 'put',
      info,
      subresource,
      responseSchema: schema,
      bodySchema: schema,
      parameters: WRITING,
    },
    {
      verb: 'create',
      method: 'post',
      action: 'post',
      info,
      subresource,
      responseSchema: schema,
      bodySchema: schema,
      parameters: WRITING,
    },
    { verb: 'patch', ...patchOperation(info, schema), subresource },
  ]
  const verbs: ReadonlySet<string> = new Set(subresource.verbs)
  return candidates.filter(({ verb }) => verbs.has(verb))
}

const SUBRESOURCE_SCHEMAS = new Map([
  ['Scale', 'io.k8s.api.autoscaling.v1.Scale'],
  ['Eviction', 'io.k8s.api.policy.v1.Eviction'],
  ['Binding', 'io.k8s.api.core.v1.Binding'],
  ['TokenRequest', 'io.k8s.api.authentication.v1.TokenRequest'],
])

export const PATCH_MEDIA_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

/** The mark by which clients find the operations and the schema of a kind. */
export function kindMark({ info, subresource }: Pick<Operation, 'info' | 'subresource'>): JsonObject {
  return {
    group: subresource?.group ?? info.group,
    kind: subresource?.kind ?? info.kind,
    version: subresource?.version ?? info.version,
  }
}

/** Unique over all paths of a document, as the specification asks. */
export function operationId(path: string, method: string): string {
  const words = path
    .replace(/[{}]/g, '')
    .split(/[/.-]/)
    .filter(word => word !== '')
  return method + words.map(word => word[0]!.toUpperCase() + word.slice(1)).join('')
}
