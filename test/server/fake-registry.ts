import type { ApiCall } from '../../src/machinery/api-call.ts'
import type { JsonObject } from '../../src/machinery/json.ts'
import { alreadyExists, notFound } from '../../src/machinery/status.ts'
import type { Encoded, EncodedWatchEvent, Registry, Resource, ResourceInfo } from '../../src/registry/resource.ts'

const encoded = (object: JsonObject): Encoded => {
  let bytes: Uint8Array | undefined
  return { object, json: () => (bytes ??= Buffer.from(JSON.stringify(object))) }
}

/** Just enough of a resource to drive the HTTP edge: no validation, no storage, one revision for each write. */
class FakeResource implements Resource {
  readonly info: ResourceInfo
  readonly #objects = new Map<string, Encoded>()
  readonly #watchers = new Set<(event: EncodedWatchEvent) => void>()
  #revision = 0

  constructor(info: Pick<ResourceInfo, 'group' | 'version' | 'kind' | 'plural' | 'namespaced'>) {
    this.info = {
      singular: info.kind.toLowerCase(),
      shortNames: [],
      categories: [],
      verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'],
      subresources: [],
      schema: `io.k8s.api.core.v1.${info.kind}`,
      ...info,
    }
  }

  async handle(call: ApiCall): Promise<Encoded> {
    const body = call.body as JsonObject | undefined
    const name = call.name ?? String((body!.metadata as JsonObject).name)
    const key = `${call.namespace ?? ''}/${name}`
    const existing = this.#objects.get(key)
    if (call.verb === 'create' && existing) throw alreadyExists({ group: call.group, resource: call.resource }, name)
    if (call.verb !== 'create' && !existing) throw notFound({ group: call.group, resource: call.resource }, name)
    if (call.verb === 'get') return existing!
    if (call.verb === 'delete') {
      this.#objects.delete(key)
      this.#tell('DELETED', existing!)
      return existing!
    }
    const metadata = { ...(body!.metadata as JsonObject), name, resourceVersion: String(++this.#revision) }
    const stored = encoded({ ...existing?.object, ...body!, metadata: { ...metadata, namespace: call.namespace } })
    this.#objects.set(key, stored)
    this.#tell(call.verb === 'create' ? 'ADDED' : 'MODIFIED', stored)
    return stored
  }

  async list(): Promise<{ resourceVersion: string; items: Encoded[] }> {
    return { resourceVersion: String(this.#revision), items: [...this.#objects.values()] }
  }

  async *watch(_: ApiCall, { signal }: { signal: AbortSignal }): AsyncIterable<EncodedWatchEvent> {
    const queue: EncodedWatchEvent[] = []
    let wake = (): void => {}
    const push = (event: EncodedWatchEvent): void => {
      queue.push(event)
      wake()
    }
    this.#watchers.add(push)
    signal.addEventListener('abort', () => wake())
    while (!signal.aborted) {
      const event = queue.shift()
      if (event) yield event
      else await new Promise<void>(resolve => (wake = resolve))
    }
    this.#watchers.delete(push)
  }

  table(objects: readonly JsonObject[]) {
    const column = { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }
    const rows = objects.map(object => ({ cells: [String((object.metadata as JsonObject).name)], object }))
    return { columnDefinitions: [column], rows }
  }

  #tell(type: EncodedWatchEvent['type'], object: Encoded): void {
    for (const push of this.#watchers) push({ type, encoded: object })
  }
}

export function fakeRegistry(): Registry {
  const resources = [
    new FakeResource({ group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true }),
    new FakeResource({ group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false }),
    new FakeResource({ group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true }),
  ]
  return {
    find: (group, version, plural) =>
      resources.find(({ info }) => info.group === group && info.version === version && info.plural === plural),
    resources: () => resources,
    onChange: () => ({ [Symbol.dispose]: () => {} }),
    whenReady: async () => {},
    close: async () => {},
  }
}
