import type { Kind, KubernetesObject } from '../api/kind.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import { keyOf, keyText, type ObjectKey } from '../machinery/object.ts'
import type { Random } from '../machinery/random.ts'
import type { Requirements } from '../machinery/selectors.ts'
import { isStatusError } from '../machinery/status.ts'
import { Backoff } from './backoff.ts'
import type { ChangeEvent, Client } from './client.ts'
import type { Informer, InformerEvent } from './informer.ts'
import { ObjectCache } from './object-cache.ts'

export interface InformerOptions {
  readonly namespace?: string
  readonly fieldSelector?: string
}

export interface InformerDependencies {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Between two tries to reach a server: as long as one that comes back may go unnoticed. */
const RETRY_MS_MAX = 3000

type Handler<T> = (event: InformerEvent<T>) => void

/** An informer over list and watch: lists once, watches from there, lists again only when the server has forgotten. */
export class CachedInformer<T extends KubernetesObject> implements Informer<T> {
  readonly kind: Kind<T>
  readonly #cache = new ObjectCache<T>()
  readonly #handlers = new Set<Handler<T>>()
  readonly #options: InformerOptions
  readonly #dependencies: InformerDependencies
  readonly #synced = Promise.withResolvers<void>()
  #isSynced = false
  #resourceVersion = ''

  constructor(kind: Kind<T>, options: InformerOptions, dependencies: InformerDependencies) {
    this.kind = kind
    this.#options = options
    this.#dependencies = dependencies
  }

  get isSynced(): boolean {
    return this.#isSynced
  }

  get resourceVersion(): string {
    return this.#resourceVersion
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    if (this.#isSynced) return
    signal?.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const abort = (): void => aborted.reject(signal!.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await Promise.race([this.#synced.promise, aborted.promise])
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  get(key: ObjectKey): T | undefined {
    return this.#cache.get(key)
  }

  list(filter?: { readonly namespace?: string; readonly labels?: Requirements }): readonly T[] {
    return this.#cache.list(filter)
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#cache.byIndex(index, value)
  }

  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    this.#cache.addIndex(name, valuesOf)
  }

  subscribe(handle: Handler<T>): Disposable {
    for (const object of this.#cache.list()) handle({ type: 'added', object })
    this.#handlers.add(handle)
    return { [Symbol.dispose]: () => this.#handlers.delete(handle) }
  }

  /** Follows the server until `signal` is aborted. Never rejects: what fails is tried again, more slowly each time. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#dependencies
    const backoff = new Backoff({ firstMs: 100, lastMs: RETRY_MS_MAX, random })
    while (!signal.aborted) {
      try {
        await this.#list(signal)
        await this.#follow(signal, backoff)
      } catch (error) {
        if (signal.aborted) return
        if (isStatusError(error, 'Expired') || isStatusError(error, 'Gone')) continue // Listing again is the way on.
        logger.warn({ err: error, kind: this.kind.kind }, 'list or watch failed')
        await clock.sleep(backoff.nextMs(), signal).catch(() => {})
      }
    }
  }

  /** Forgets everything, and tells of it as deleted. */
  clear(): void {
    for (const object of this.#cache.list()) this.#remove(object)
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await this.#dependencies.client.list(this.kind, this.#options)
    signal.throwIfAborted() // Whoever ended it has been told already that nothing is left.
    const present = new Set<string>()
    for (const object of items) {
      present.add(keyText(keyOf(object)))
      this.#put(object)
    }
    for (const object of this.#cache.list()) {
      if (!present.has(keyText(keyOf(object)))) this.#remove(object)
    }
    this.#resourceVersion = resourceVersion
    this.#isSynced = true
    this.#synced.resolve()
  }

  /** Watches again and again from where it is; throws when that is no longer possible. */
  async #follow(signal: AbortSignal, backoff: Backoff): Promise<void> {
    const { client, clock } = this.#dependencies
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs()
      const from = { resourceVersion: this.#resourceVersion, allowWatchBookmarks: true }
      for await (const event of client.watch(this.kind, { ...this.#options, ...from, signal })) {
        if (signal.aborted) return
        this.#apply(event)
        backoff.reset()
      }
      const endedAtOnce = clock.monotonicMs() - startedMs < 1000
      if (!signal.aborted && endedAtOnce) await clock.sleep(backoff.nextMs(), signal).catch(() => {})
    }
  }

  #apply({ type, object }: ChangeEvent<T>): void {
    this.#resourceVersion = object.metadata.resourceVersion
    if (type === 'BOOKMARK') return
    if (type === 'DELETED') this.#remove(object)
    else this.#put(object)
  }

  #put(object: T): void {
    const previous = this.#cache.put(object)
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return
    if (previous?.metadata.uid === object.metadata.uid) {
      this.#tell({ type: 'updated', object, previous })
      return
    }
    if (previous) this.#tell({ type: 'deleted', object: previous }) // Missed: the name belongs to another object now.
    this.#tell({ type: 'added', object })
  }

  #remove(object: T): void {
    if (this.#cache.remove(keyOf(object))) this.#tell({ type: 'deleted', object })
  }

  #tell(event: InformerEvent<T>): void {
    for (const handle of this.#handlers) handle(event)
  }
}
