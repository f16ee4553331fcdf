import { deepEqual } from 'fast-equals'
import type { KubernetesObject } from '../api/kind.ts'
import type { ApiCall, ApiTransport, WatchEvent } from '../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../machinery/json.ts'
import { mergePatched } from '../machinery/merge-patch.ts'
import { alreadyExists, conflict, notFound, type ResourceName } from '../machinery/status.ts'

type Stored = KubernetesObject & { readonly spec?: JsonObject; readonly status?: JsonObject }

interface Watcher {
  readonly collection: string
  readonly pending: WatchEvent[]
  wake: () => void
}

/**
 * Just enough of an API server for tests of the scheduler and of volume controllers: optimistic concurrency, finalizers,
 * `pods/binding`, watches. No schemas, no validation. Faults come in by `intercept`, stale caches by `holdWatches`.
 */
export class MemoryApi implements ApiTransport {
  /** Runs before each request; what it throws is the answer. */
  intercept: (call: ApiCall) => Promise<void> | void = () => {}
  /** Runs after each write; what it throws is the answer although the write is done. */
  interceptAnswer: (call: ApiCall) => Promise<void> | void = () => {}
  /** Every Pod bound, in order, with its machine. */
  readonly bindings: { readonly pod: string; readonly uid: string; readonly node: string }[] = []
  readonly #objects = new Map<string, Map<string, Stored>>()
  readonly #watchers = new Set<Watcher>()
  #revision = 0
  #areWatchesHeld = false

  async request(call: ApiCall): Promise<JsonObject> {
    await this.intercept(call)
    const answer = this.#answer(call)
    if (call.verb !== 'get' && call.verb !== 'list') await this.interceptAnswer(call)
    return answer as unknown as JsonObject
  }

  async *watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent> {
    const watcher: Watcher = { collection: collectionOf(call), pending: [], wake: () => {} }
    signal.addEventListener('abort', () => watcher.wake(), { once: true })
    this.#watchers.add(watcher)
    while (!signal.aborted) {
      const event = this.#areWatchesHeld ? undefined : watcher.pending.shift()
      if (event) yield event
      else {
        const { promise, resolve } = Promise.withResolvers<void>()
        watcher.wake = resolve
        await promise
      }
    }
    this.#watchers.delete(watcher)
  }

  /** Nobody sees what happens from now on, until `releaseWatches`. */
  holdWatches(): void {
    this.#areWatchesHeld = true
  }

  releaseWatches(): void {
    this.#areWatchesHeld = false
    for (const watcher of this.#watchers) watcher.wake()
  }

  #answer(call: ApiCall): unknown {
    const collection = this.#collection(call)
    const key = keyOf(call.namespace, call.name ?? '')
    switch (call.verb) {
      case 'list':
        return {
          metadata: { resourceVersion: String(this.#revision) },
          items: [...collection.values()].filter(each => !call.namespace || each.metadata.namespace === call.namespace),
        }
      case 'create':
        return call.subresource === 'binding' ? this.#bind(call) : this.#create(call)
      case 'get':
        return this.#found(call, key)
      case 'update':
        return this.#update(call, call.body as unknown as Stored)
      case 'patch': {
        const current = this.#found(call, key)
        const { metadata } = call.body as { metadata?: { resourceVersion?: string } }
        const expected = metadata?.resourceVersion ?? current.metadata.resourceVersion
        if (expected !== current.metadata.resourceVersion) throw conflict(nameOf(call), current.metadata.name)
        const patched = mergePatched(current as unknown as JsonValue, call.body!) as unknown as Stored
        return this.#put(call, withMergedConditions(current, patched))
      }
      case 'delete':
        return this.#delete(call, this.#found(call, key))
      default:
        throw new Error(`no verb ${call.verb} here`)
    }
  }

  #create(call: ApiCall): Stored {
    const body = call.body as unknown as Stored
    const key = keyOf(body.metadata.namespace, body.metadata.name)
    if (this.#collection(call).has(key)) throw alreadyExists(nameOf(call), body.metadata.name)
    const metadata = {
      ...body.metadata,
      uid: body.metadata.uid ?? `uid-${this.#revision + 1}`,
      creationTimestamp: body.metadata.creationTimestamp ?? '2026-01-01T00:00:00Z',
    }
    return this.#put(call, { ...body, metadata, status: body.status ?? {} }, 'ADDED')
  }

  #bind(call: ApiCall): JsonObject {
    const pod = this.#found(call, keyOf(call.namespace, call.name!))
    const { metadata, target } = call.body as { metadata: { uid?: string }; target: { name: string } } & JsonObject
    if (metadata.uid && metadata.uid !== pod.metadata.uid)
      throw conflict(nameOf(call), pod.metadata.name, 'another uid')
    if (pod.spec?.nodeName) {
      throw conflict(nameOf(call), pod.metadata.name, `pod is already assigned to node "${pod.spec.nodeName}"`)
    }
    this.#put(call, { ...pod, spec: { ...pod.spec, nodeName: target.name } })
    this.bindings.push({ pod: keyOf(call.namespace, call.name!), uid: pod.metadata.uid, node: target.name })
    return { kind: 'Status', status: 'Success' }
  }

  #update(call: ApiCall, body: Stored): Stored {
    const current = this.#found(call, keyOf(call.namespace, call.name!))
    if (body.metadata.resourceVersion !== current.metadata.resourceVersion) {
      throw conflict(nameOf(call), body.metadata.name)
    }
    if (call.subresource === 'status') return this.#put(call, { ...current, status: body.status ?? {} })
    return this.#put(call, { ...body, status: current.status ?? {} })
  }

  #delete(call: ApiCall, current: Stored): Stored {
    const { preconditions } = (call.body ?? {}) as { preconditions?: { uid?: string; resourceVersion?: string } }
    const { uid, resourceVersion } = preconditions ?? {}
    if (uid && uid !== current.metadata.uid) throw conflict(nameOf(call), current.metadata.name)
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) {
      throw conflict(nameOf(call), current.metadata.name)
    }
    const deletionTimestamp = current.metadata.deletionTimestamp ?? '2026-01-01T00:00:00Z'
    return this.#put(call, { ...current, metadata: { ...current.metadata, deletionTimestamp } })
  }

  /** Stores, or removes what is terminating and held by nobody. */
  #put(call: ApiCall, object: Stored, type: 'ADDED' | 'MODIFIED' = 'MODIFIED'): Stored {
    const collection = this.#collection(call)
    const key = keyOf(object.metadata.namespace, object.metadata.name)
    const current = collection.get(key)
    if (current && deepEqual(current, object)) return current
    const resourceVersion = String(++this.#revision)
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion } }
    const isGone = stored.metadata.deletionTimestamp && (stored.metadata.finalizers ?? []).length === 0
    if (isGone) collection.delete(key)
    else collection.set(key, stored)
    this.#tell(call, { type: isGone ? 'DELETED' : type, object: stored as unknown as JsonObject })
    return stored
  }

  #tell(call: ApiCall, event: WatchEvent): void {
    const name = collectionOf(call)
    for (const watcher of this.#watchers) {
      if (watcher.collection !== name) continue
      watcher.pending.push(event)
      watcher.wake()
    }
  }

  #collection(call: ApiCall): Map<string, Stored> {
    const name = collectionOf(call)
    let collection = this.#objects.get(name)
    if (!collection) {
      collection = new Map()
      this.#objects.set(name, collection)
    }
    return collection
  }

  #found(call: ApiCall, key: string): Stored {
    const object = this.#collection(call).get(key)
    if (!object) throw notFound(nameOf(call), call.name ?? '')
    return object
  }
}

const collectionOf = ({ group, resource }: ApiCall): string => `${group}/${resource}`
const keyOf = (namespace: string | undefined, name: string): string => (namespace ? `${namespace}/${name}` : name)
const nameOf = ({ group, resource }: ApiCall): ResourceName => ({ group, resource })

/** Strategic merge, as far as it is needed: conditions merge by their type. */
function withMergedConditions(current: Stored, patched: Stored): Stored {
  const changed = patched.status?.conditions as readonly { type: string }[] | undefined
  const known = current.status?.conditions as readonly { type: string }[] | undefined
  if (!changed || !known || changed === known) return patched
  const kept = known.filter(({ type }) => !changed.some(each => each.type === type))
  return { ...patched, status: { ...patched.status, conditions: [...kept, ...changed] as unknown as JsonValue[] } }
}
