import type { Kind, KubernetesObject } from '../api/kind.ts'
import type { Clock } from '../machinery/clock.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { Logger } from '../machinery/logger.ts'
import { keyFromText, keyOf, keyText, type ObjectKey } from '../machinery/object.ts'
import { isStatusError } from '../machinery/status.ts'
import type { CallContext, Encoded, Registry, Resource } from '../registry/resource.ts'

/** As whom the server itself reads and writes. */
export const SERVER_USER = { name: 'system:apiserver', groups: ['system:masters'] } as const

const RETRY_MS = 1000

/**
 * All objects of one kind, kept current by an internal watch, so that authorisation and admission read them without
 * waiting. The objects are the registry's own, parsed when somebody looks at them: of a hundred thousand Pods the rules
 * look at few. May be a moment behind: who must not miss a fresh object asks again, live.
 */
export class ObjectCache<T extends KubernetesObject> {
  readonly kind: Kind<T>
  readonly #objects = new Map<string, HeldObject<T>>()
  readonly #byNamespace = new Map<string, Map<string, HeldObject<T>>>()
  readonly #listeners: ((change: Change<T>) => void)[] = []
  readonly #synced = Promise.withResolvers<void>()

  constructor(kind: Kind<T>) {
    this.kind = kind
  }

  /** Resolves when the cache holds a complete state. */
  whenSynced(): Promise<void> {
    return this.#synced.promise
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(keyText(key))?.object
  }

  *list(namespace?: string): Iterable<T> {
    const held = namespace === undefined ? this.#objects : this.#byNamespace.get(namespace)
    if (held) for (const { object } of held.values()) yield object
  }

  /** Calls `listener` after every change, in order, beginning with those still to come. */
  subscribe(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener)
  }

  /** Takes over a complete state: what is not in it is gone. */
  replace(objects: readonly Encoded[]): void {
    const keys = new Set(objects.map(keyTextOf))
    for (const [key, { encoded }] of this.#objects) if (!keys.has(key)) this.remove(encoded)
    for (const encoded of objects) this.put(encoded)
    this.#synced.resolve()
  }

  put(encoded: Encoded): void {
    const key = keyTextOf(encoded)
    const before = this.#objects.get(key)
    if (before && isSameRevision(before.encoded, encoded)) return
    const now = new HeldObject<T>(encoded)
    this.#objects.set(key, now)
    const { namespace } = keyFromText(key)
    if (namespace) {
      const own = this.#byNamespace.get(namespace) ?? new Map<string, HeldObject<T>>()
      this.#byNamespace.set(namespace, own)
      own.set(key, now)
    }
    this.#tell(new Change(key, now, before))
  }

  remove(encoded: Encoded): void {
    const key = keyTextOf(encoded)
    const before = this.#objects.get(key)
    if (!before) return
    this.#objects.delete(key)
    const { namespace } = keyFromText(key)
    const own = namespace && this.#byNamespace.get(namespace)
    if (own) {
      own.delete(key)
      if (own.size === 0) this.#byNamespace.delete(namespace)
    }
    this.#tell(new Change(key, undefined, before))
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change)
  }
}

/** Once somebody has looked at the object, it is kept. */
class HeldObject<T> {
  readonly encoded: Encoded
  #object: T | undefined

  constructor(encoded: Encoded) {
    this.encoded = encoded
  }

  get object(): T {
    this.#object ??= this.encoded.object as unknown as T
    return this.#object
  }
}

/** Objects are only parsed for who asks for them. */
export class Change<T> {
  /** `namespace/name`. */
  readonly key: string
  readonly #now: HeldObject<T> | undefined
  readonly #before: HeldObject<T> | undefined

  constructor(key: string, now: HeldObject<T> | undefined, before: HeldObject<T> | undefined) {
    this.key = key
    this.#now = now
    this.#before = before
  }

  /** Absent after a deletion. */
  get object(): T | undefined {
    return this.#now?.object
  }

  get encoded(): Encoded | undefined {
    return this.#now?.encoded
  }

  /** Absent before the first sight. */
  get previous(): T | undefined {
    return this.#before?.object
  }

  get previousEncoded(): Encoded | undefined {
    return this.#before?.encoded
  }
}

/** The store's key ends in it. */
function keyTextOf(encoded: Encoded): string {
  const { key } = encoded
  if (key === undefined) return keyText(keyOf(encoded.object as unknown as KubernetesObject))
  return key.slice(key.indexOf('/', key.indexOf('/', 1) + 1) + 1)
}

const isSameRevision = (a: Encoded, b: Encoded): boolean =>
  a.revision !== undefined && b.revision !== undefined
    ? a.revision === b.revision
    : versionOf(a.object) === versionOf(b.object)

const versionOf = ({ metadata }: JsonObject): unknown => (metadata as JsonObject).resourceVersion

/** One cache for each kind that the server's own rules look at. Made before the registry, which needs those rules. */
export class ObjectCaches {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #caches = new Map<string, ObjectCache<KubernetesObject>>()
  readonly #stopping = new AbortController()
  #registry?: Registry

  constructor({ clock, logger }: { clock: Clock; logger: Logger }) {
    this.#clock = clock
    this.#logger = logger
  }

  of<T extends KubernetesObject>(kind: Kind<T>): ObjectCache<T> {
    const name = `${kind.group}/${kind.plural}`
    let cache = this.#caches.get(name)
    if (!cache) {
      cache = new ObjectCache<KubernetesObject>(kind as unknown as Kind)
      this.#caches.set(name, cache)
      if (this.#registry) this.#follow(cache, this.#registry)
    }
    return cache as unknown as ObjectCache<T> // Filed under the kind that gives it its type.
  }

  /** Fills the caches and keeps them current until `stop`. */
  start(registry: Registry): void {
    this.#registry = registry
    for (const cache of this.#caches.values()) this.#follow(cache, registry)
  }

  /** Resolves when every cache holds a complete state. */
  async whenSynced(): Promise<void> {
    await Promise.all([...this.#caches.values()].map(cache => cache.whenSynced()))
  }

  stop(): void {
    this.#stopping.abort()
  }

  /** The object as stored now, past the cache. Undefined when there is none. */
  async live<T extends KubernetesObject>(kind: Kind<T>, { namespace, name }: ObjectKey): Promise<T | undefined> {
    const { group, version, plural: resource } = kind
    const served = this.#registry?.find(group, version, resource)
    if (!served) return undefined
    const call = { verb: 'get', group, version, resource, name, ...(namespace && { namespace }) } as const
    try {
      return (await served.handle(call, serverContext)).object as unknown as T
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined
      throw error
    }
  }

  /** Whether other servers write to the same store, so that no cache of this one decides alone. */
  get isShared(): boolean {
    return this.#registry?.isShared ?? false
  }

  /** All objects of a namespace as stored now, past the cache. */
  async liveList<T extends KubernetesObject>(kind: Kind<T>, namespace: string): Promise<readonly T[]> {
    const { group, version, plural: resource } = kind
    const served = this.#registry?.find(group, version, resource)
    if (!served) return []
    const { items } = await served.list({ verb: 'list', group, version, resource, namespace }, serverContext)
    return items.map(({ object }) => object as unknown as T)
  }

  /** Replaces the object at its own revision. Throws Conflict when there is a newer one. */
  async update<T extends KubernetesObject>(kind: Kind<T>, object: T): Promise<void> {
    const { group, version, plural: resource } = kind
    const { name, namespace } = object.metadata
    const place = { name, ...(namespace && { namespace }) }
    const body = object as unknown as JsonObject
    const served = this.#registry?.find(group, version, resource)
    await served?.handle({ verb: 'update', group, version, resource, ...place, body }, serverContext)
  }

  #follow(cache: ObjectCache<KubernetesObject>, registry: Registry): void {
    const { group, version, plural } = cache.kind
    const resource = registry.find(group, version, plural)
    if (resource) void this.#keepCurrent(cache, resource)
    else cache.replace([]) // Nothing serves it, so there is none.
  }

  async #keepCurrent(cache: ObjectCache<KubernetesObject>, resource: Resource): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await follow(cache, resource, signal)
      } catch (error) {
        if (signal.aborted) return
        if (!isStatusError(error, 'Expired'))
          this.#logger.warn({ err: error, kind: cache.kind.kind }, 'internal watch failed')
        await this.#clock.sleep(RETRY_MS, signal).catch(() => {})
      }
    }
  }
}

const serverContext: CallContext = { user: SERVER_USER, warn: () => {} }

async function follow(cache: ObjectCache<KubernetesObject>, resource: Resource, signal: AbortSignal): Promise<void> {
  const { group, version, plural } = cache.kind
  const call = { group, version, resource: plural }
  const list = await resource.list({ verb: 'list', ...call }, serverContext)
  cache.replace(list.items)
  const options = { resourceVersion: list.resourceVersion }
  for await (const { type, encoded } of resource.watch(
    { verb: 'watch', ...call, options },
    { ...serverContext, signal },
  )) {
    if (type === 'ADDED' || type === 'MODIFIED') cache.put(encoded)
    else if (type === 'DELETED') cache.remove(encoded)
  }
}
