import type { Verb } from '../machinery/api-call.ts'
import type { ResourceInfo, SubresourceInfo } from './resource.ts'
import type { ResourceRow } from './schema/built-in-schemas.ts'

const ALL_VERBS: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** Kinds that are questions and commands: they are answered, not stored. */
const CREATE_ONLY = new Set([
  '/bindings',
  'authentication.k8s.io/selfsubjectreviews',
  'authentication.k8s.io/tokenreviews',
  'authorization.k8s.io/localsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
  'authorization.k8s.io/subjectaccessreviews',
])

const isStored = ({ group, plural }: ResourceRow): boolean => !CREATE_ONLY.has(`${group}/${plural}`)

/** What discovery tells of a built-in kind. */
export function resourceInfoOf(row: ResourceRow): ResourceInfo {
  const { group, version, kind, plural, namespaced, shortNames, categories, schema } = row
  return {
    group,
    version,
    kind,
    plural,
    singular: kind.toLowerCase(),
    namespaced,
    shortNames,
    categories,
    verbs: isStored(row) ? ALL_VERBS : ['create'],
    subresources: row.subresources.map(name => subresourceInfoOf(row, name)),
    schema,
  }
}

const CHANGE: readonly Verb[] = ['get', 'patch', 'update']
const CONNECT: readonly Verb[] = ['create', 'get']
const PROXY: readonly Verb[] = ['create', 'delete', 'get', 'patch', 'update']

function subresourceInfoOf({ kind }: ResourceRow, name: string): SubresourceInfo {
  switch (name) {
    case 'scale':
      return { name, group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: CHANGE }
    case 'binding':
      return { name, kind: 'Binding', verbs: ['create'] }
    case 'eviction':
      return { name, group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] }
    case 'token':
      return { name, group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] }
    case 'finalize':
      return { name, kind, verbs: ['update'] }
    case 'log':
      return { name, kind: 'Pod', verbs: ['get'] }
    case 'exec':
      return { name, kind: 'PodExecOptions', verbs: CONNECT }
    case 'attach':
      return { name, kind: 'PodAttachOptions', verbs: CONNECT }
    case 'portforward':
      return { name, kind: 'PodPortForwardOptions', verbs: CONNECT }
    case 'proxy':
      return { name, kind: `${kind}ProxyOptions`, verbs: PROXY }
    default:
      return { name, kind, verbs: CHANGE }
  }
}
