import { createHash } from 'node:crypto'
import { noSuchPath } from '../../machinery/status.ts'
import type { Registry, ResourceInfo } from '../../registry/resource.ts'
import { type DiscoveryShape, discoveryShapeOf } from '../http/accept.ts'
import type { Exchange } from '../http/exchange.ts'
import { send, sendJson } from '../http/reply.ts'
import { type Group, type GroupVersion, groupsOf } from './group-versions.ts'

/** `/api`, `/apis` and what lies directly under them: which groups, versions and resources there are. */
export class Discovery {
  readonly #registry: Registry
  #groups?: readonly Group[]
  readonly #aggregated = new Map<string, { body: Buffer; etag: string }>()

  constructor(registry: Registry) {
    this.#registry = registry
    registry.onChange(() => {
      this.#groups = undefined
      this.#aggregated.clear()
    })
  }

  groups(): readonly Group[] {
    this.#groups ??= groupsOf(this.#registry)
    return this.#groups
  }

  async handle(exchange: Exchange): Promise<boolean> {
    if (exchange.path === '/') {
      await sendJson(exchange, { paths: this.#paths() })
      return true
    }
    const [, root, group, version, ...rest] = exchange.path.replace(/\/$/, '').split('/')
    if ((root !== 'api' && root !== 'apis') || rest.length > 0) return false
    if (group === undefined) return this.#root(exchange, root)
    if (root === 'api') return version === undefined && this.#resources(exchange, '', group)
    return version === undefined ? this.#group(exchange, group) : this.#resources(exchange, group, version)
  }

  async #root(exchange: Exchange, root: 'api' | 'apis'): Promise<boolean> {
    const shape = discoveryShapeOf(exchange.headers.accept)
    if (shape !== 'plain') await this.#sendAggregated(exchange, root, shape)
    else if (root === 'api') await sendJson(exchange, apiVersions())
    else await sendJson(exchange, { kind: 'APIGroupList', apiVersion: 'v1', groups: this.#named().map(groupDocument) })
    return true
  }

  /** Where to go from the root: what `kubectl get --raw /` lists. */
  #paths(): readonly string[] {
    const groups = this.#named().flatMap(({ name, versions }) => [
      `/apis/${name}`,
      ...versions.map(({ groupVersion }) => `/apis/${groupVersion}`),
    ])
    const documents = ['/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version']
    return ['/api', '/api/v1', '/apis', ...groups, ...documents].sort()
  }

  #named(): readonly Group[] {
    return this.groups().filter(({ name }) => name !== '')
  }

  async #group(exchange: Exchange, name: string): Promise<boolean> {
    const group = this.#named().find(candidate => candidate.name === name)
    if (!group) throw noSuchPath()
    await sendJson(exchange, { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group) })
    return true
  }

  async #resources(exchange: Exchange, group: string, version: string): Promise<boolean> {
    const served = this.groups()
      .find(({ name }) => name === group)
      ?.versions.find(candidate => candidate.version === version)
    if (!served) throw noSuchPath()
    await sendJson(exchange, resourceList(served))
    return true
  }

  async #sendAggregated(exchange: Exchange, root: 'api' | 'apis', shape: DiscoveryShape): Promise<void> {
    const { body, etag } = this.#aggregatedDocument(root, shape)
    const headers = { etag, vary: 'Accept' }
    if (exchange.headers['if-none-match'] === etag) {
      return exchange.respond({ code: 304, headers: { ...headers, 'cache-control': 'public' } })
    }
    const mediaType = `application/json;g=apidiscovery.k8s.io;v=${shape};as=APIGroupDiscoveryList`
    return send(exchange, { code: 200, mediaType, body, headers })
  }

  #aggregatedDocument(root: 'api' | 'apis', shape: DiscoveryShape): { body: Buffer; etag: string } {
    const key = `${root} ${shape}`
    let document = this.#aggregated.get(key)
    if (!document) {
      const groups = root === 'api' ? this.groups().filter(({ name }) => name === '') : this.#named()
      const kind = 'APIGroupDiscoveryList'
      const apiVersion = `apidiscovery.k8s.io/${shape}`
      const body = Buffer.from(JSON.stringify({ kind, apiVersion, metadata: {}, items: groups.map(aggregatedGroup) }))
      document = { body, etag: `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"` }
      this.#aggregated.set(key, document)
    }
    return document
  }
}

const apiVersions = (): object => ({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })

function groupDocument({ name, versions }: Group): object {
  const entries = versions.map(({ groupVersion, version }) => ({ groupVersion, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
}

const resourceList = ({ groupVersion, resources }: GroupVersion): object => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: resources.flatMap(info => [resourceDocument(info), ...subresourceDocuments(info)]),
})

const resourceDocument = (info: ResourceInfo): object => ({
  name: info.plural,
  singularName: info.singular,
  namespaced: info.namespaced,
  kind: info.kind,
  verbs: [...info.verbs].sort(),
  ...(info.shortNames.length > 0 && { shortNames: info.shortNames }),
  ...(info.categories.length > 0 && { categories: info.categories }),
})

const subresourceDocuments = (info: ResourceInfo): object[] =>
  info.subresources.map(({ name, group, version, kind, verbs }) => ({
    name: `${info.plural}/${name}`,
    singularName: '',
    namespaced: info.namespaced,
    ...(group !== undefined && version !== undefined && { group, version }),
    kind,
    verbs: [...verbs].sort(),
  }))

const aggregatedGroup = ({ name, versions }: Group): object => ({
  metadata: { ...(name && { name }), creationTimestamp: null },
  versions: versions.map(({ version, resources }) => ({
    version,
    freshness: 'Current',
    resources: resources.map(aggregatedResource),
  })),
})

const aggregatedResource = (info: ResourceInfo): object => ({
  resource: info.plural,
  responseKind: { group: info.group, version: info.version, kind: info.kind },
  scope: info.namespaced ? 'Namespaced' : 'Cluster',
  singularResource: info.singular,
  verbs: [...info.verbs].sort(),
  ...(info.shortNames.length > 0 && { shortNames: info.shortNames }),
  ...(info.categories.length > 0 && { categories: info.categories }),
  ...(info.subresources.length > 0 && {
    subresources: info.subresources.map(subresource => ({
      subresource: subresource.name,
      responseKind: {
        group: subresource.group ?? info.group,
        version: subresource.version ?? info.version,
        kind: subresource.kind,
      },
      verbs: [...subresource.verbs].sort(),
    })),
  }),
})
