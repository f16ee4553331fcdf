import type { ApiCall, CallOptions, PatchType } from '../machinery/api-call.ts'
import type { Clock } from '../machinery/clock.ts'
import type { JsonObject, JsonValue } from '../machinery/json.ts'
import { silentLogger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import { isStatusError, type Status } from '../machinery/status.ts'
import { memoryStore } from '../store/memory/memory-store.ts'
import type { Store } from '../store/store.ts'
import { createRegistry, type RegistryOptions } from './create-registry.ts'
import type { CallContext, EncodedList, EncodedWatchEvent, Registry, Resource, ResourceTable } from './resource.ts'

/** A JSON object whose parts tests reach without ceremony. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
export type Loose = any

type Place = Omit<Partial<ApiCall>, 'verb'>

/** A registry over a memory store, with the calls that tests make most. For tests only. */
export class RegistryFixture implements AsyncDisposable {
  readonly registry: Registry
  readonly store: Store
  readonly clock: Clock
  readonly warnings: string[] = []
  readonly context: CallContext = { user: { name: 'tester', groups: [] }, warn: text => void this.warnings.push(text) }

  constructor(parts: { clock: Clock; random: Random; store?: Store } & Partial<RegistryOptions>) {
    this.clock = parts.clock
    this.store = parts.store ?? memoryStore({ clock: parts.clock })
    this.registry = createRegistry({ logger: silentLogger, admission: [], ...parts, store: this.store })
  }

  resource(path: string): Resource {
    const [plural, version = 'v1', ...group] = path.split('.')
    const resource = this.registry.find(group.join('.'), version, plural!)
    if (!resource) throw new Error(`no resource ${path}`)
    return resource
  }

  /** `resource` is `plural.version.group`, for example `statefulsets.v1.apps`; `pods` means `pods.v1`. */
  async call(verb: ApiCall['verb'], resource: string, place: Place = {}): Promise<Loose> {
    const served = this.resource(resource)
    const { group, version, plural, namespaced } = served.info
    const call = { verb, group, version, resource: plural, ...(namespaced && { namespace: 'default' }), ...place }
    const encoded = await served.handle(call, this.context)
    const decoded = JSON.parse(Buffer.from(encoded.json()).toString())
    return decoded
  }

  create(resource: string, body: JsonObject, options: CallOptions = {}): Promise<Loose> {
    const { namespace } = (body.metadata ?? {}) as { namespace?: string }
    return this.call('create', resource, { body, options, ...(namespace && { namespace }) })
  }

  get(resource: string, name: string, place: Place = {}): Promise<Loose> {
    return this.call('get', resource, { name, ...place })
  }

  update(resource: string, body: Loose, place: Place = {}): Promise<Loose> {
    return this.call('update', resource, { name: body.metadata.name, body, ...place })
  }

  patch(
    resource: string,
    name: string,
    { type, body, ...place }: Place & { type: PatchType; body: JsonValue },
  ): Promise<Loose> {
    return this.call('patch', resource, { name, patchType: type, body, ...place })
  }

  delete(resource: string, name: string, body: JsonObject = {}, options: CallOptions = {}): Promise<Loose> {
    return this.call('delete', resource, { name, body, options })
  }

  list(resource: string, options: CallOptions = {}, namespace: string | undefined = 'default'): Promise<EncodedList> {
    const { info } = this.resource(resource)
    const call: ApiCall = { verb: 'list', group: info.group, version: info.version, resource: info.plural, options }
    return this.resource(resource).list(info.namespaced && namespace ? { ...call, namespace } : call, this.context)
  }

  watch(
    resource: string,
    options: CallOptions = {},
    signal = new AbortController().signal,
  ): AsyncIterator<EncodedWatchEvent> {
    const { info } = this.resource(resource)
    const call: ApiCall = { verb: 'watch', group: info.group, version: info.version, resource: info.plural, options }
    return this.resource(resource)
      .watch(call, { ...this.context, signal })
      [Symbol.asyncIterator]()
  }

  table(resource: string, objects: readonly JsonObject[]): ResourceTable {
    return this.resource(resource).table(objects, this.clock.now())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry.close()
    await this.store.close()
  }
}

export const namesOf = (list: EncodedList): string[] =>
  list.items.map(({ object }) => (object.metadata as { name: string }).name)

/** The Status that a call fails with. */
export async function failureOf(attempt: Promise<unknown>): Promise<Status> {
  try {
    await attempt
  } catch (error) {
    if (isStatusError(error)) return error.status
    throw error
  }
  throw new Error('the call went through')
}
