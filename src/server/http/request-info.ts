/** What a path and method ask for, before anything is known about the resource. */
export type RequestInfo = ResourceRequest | DocumentRequest

/** Anything under `/api/v1/…` or `/apis/GROUP/VERSION/…` that names a resource. */
export interface ResourceRequest {
  readonly isResource: true
  /** As authorisation knows it: one of the API verbs, whatever the HTTP method. */
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** What follows a `proxy` subresource, with its leading slash. */
  readonly rest: string
}

/** Everything else: discovery, documents, health. */
export interface DocumentRequest {
  readonly isResource: false
  readonly verb: string
  readonly path: string
}

const WRITE_VERBS = new Map([
  ['POST', 'create'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
])
/** Subresources of a Namespace itself; every other third part is a resource in the namespace. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize'])

export class MalformedPathError extends Error {
  override name = 'MalformedPathError'
}

/** Takes a request line apart (API concepts, "Resource URIs"). Throws `MalformedPathError` on broken percent-encoding. */
export function requestInfoOf(method: string, path: string, query: URLSearchParams): RequestInfo {
  const document: DocumentRequest = { isResource: false, verb: method.toLowerCase(), path }
  const parts = path.split('/')
  const isCore = parts[1] === 'api'
  if (!isCore && parts[1] !== 'apis') return document
  const versionAt = isCore ? 2 : 3
  const group = isCore ? '' : (parts[2] ?? '')
  const version = parts[versionAt]
  const rest = parts.slice(versionAt + 1)
  if (rest.at(-1) === '' && !rest.includes('proxy')) rest.pop() // A trailing slash means the same.
  if (!version || rest.length === 0) return document

  const isLegacyWatch = rest[0] === 'watch'
  if (isLegacyWatch) rest.shift()
  const target = targetOf(rest)
  if (!target) return document
  const isWatch = isLegacyWatch || isTrue(query.get('watch'))
  return { isResource: true, verb: verbOf(method, target, isWatch), group, version, ...target }
}

type Target = Pick<ResourceRequest, 'namespace' | 'resource' | 'name' | 'subresource' | 'rest'>

function targetOf(parts: readonly string[]): Target | undefined {
  const isNamespaced = parts[0] === 'namespaces' && parts.length > 2 && !NAMESPACE_SUBRESOURCES.has(parts[2]!)
  const [resource, name = '', subresource = '', ...rest] = isNamespaced ? parts.slice(2) : parts
  if (!resource) return undefined
  if (rest.length > 0 && subresource !== 'proxy') return undefined
  const decodedName = decoded(name)
  const ownNamespace = resource === 'namespaces' ? decodedName : ''
  return {
    namespace: isNamespaced ? decoded(parts[1]!) : ownNamespace,
    resource: decoded(resource),
    name: decodedName,
    subresource: decoded(subresource),
    rest: rest.length > 0 ? `/${rest.join('/')}` : '',
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new MalformedPathError(`the path segment "${part}" is not valid percent-encoding`)
  }
}

function verbOf(method: string, { name }: Target, isWatch: boolean): string {
  if (method === 'GET' || method === 'HEAD') {
    if (isWatch && name === '') return 'watch'
    if (isWatch) return 'watch' // Of one object: the legacy path, or a name with watch=true.
    return name === '' ? 'list' : 'get'
  }
  if (method === 'DELETE' && name === '') return 'deletecollection'
  return WRITE_VERBS.get(method) ?? method.toLowerCase()
}

/** Booleans in queries as the API reads them: present and not `false` or `0`. */
export const isTrue = (text: string | null): boolean => text !== null && text !== 'false' && text !== '0'
