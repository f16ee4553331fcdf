import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import { resourceVersionTooLarge, type StatusError, serviceUnavailable } from '../../machinery/status.ts'
import {
  type Batch,
  type Entry,
  keysUnder,
  type Revision,
  revision,
  type Store,
  StoreError,
} from '../../store/store.ts'
import { WatchCache } from './watch-cache.ts'

/** Entries read at a time when the whole store is loaded. */
const PAGE_ENTRIES = 2000
/** How long a reader may wait for the caches to reach a revision, as upstream's watch cache does. */
const FRESHNESS_WAIT_MS = 3000
const RETRY_MS_MIN = 50
const RETRY_MS_MAX = 5000

interface Waiter {
  readonly revision: Revision
  readonly lateMs: number
  resolve(): void
  reject(error: Error): void
}

/**
 * Follows the whole store with one watch and hands every change to the cache of its resource. All caches are at the
 * same revision at any time, so a list of one resource and a watch of another never contradict each other.
 */
export class StoreMirror {
  readonly #store: Store
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #stop = new AbortController()
  readonly #caches = new Map<string, WatchCache>()
  #waiters: Waiter[] = []
  /** One for all who wait: every write waits for a moment, and a timer for each would cost more than the wait. */
  #deadline: Disposable | undefined
  #revision: Revision = revision(0)
  #ready = Promise.withResolvers<void>()
  #running: Promise<void> | undefined

  constructor(dependencies: { readonly store: Store; readonly clock: Clock; readonly logger: Logger }) {
    this.#store = dependencies.store
    this.#clock = dependencies.clock
    this.#logger = dependencies.logger
  }

  /** The caches hold the store's state as of this revision. */
  get revision(): Revision {
    return this.#revision
  }

  /** The cache of the keys under `prefix`; made empty at first use, and filled by the mirror. */
  cache(prefix: string): WatchCache {
    let cache = this.#caches.get(prefix)
    if (!cache) {
      cache = new WatchCache(prefix, this.#revision)
      this.#caches.set(prefix, cache)
    }
    return cache
  }

  caches(): Iterable<WatchCache> {
    return this.#caches.values()
  }

  start(): void {
    this.#running ??= this.#run()
  }

  whenReady(): Promise<void> {
    return this.#ready.promise
  }

  async stop(): Promise<void> {
    this.#end()
    await this.#running
  }

  /** Throws 503 once nothing new will ever come. */
  checkFollowing(): void {
    if (this.#stop.signal.aborted) throw shuttingDown()
  }

  /** Resolves once the caches hold every write up to `wanted`. Throws 504 when that takes too long. */
  async reached(wanted: Revision): Promise<void> {
    if (this.#revision >= wanted) return
    this.checkFollowing()
    const lateMs = this.#clock.monotonicMs() + FRESHNESS_WAIT_MS
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push({ revision: wanted, lateMs, resolve, reject })
      this.#deadline ??= this.#clock.schedule(FRESHNESS_WAIT_MS, () => this.#refuseLate())
    })
  }

  /** Whoever waits for what will never come is told so. */
  #end(): void {
    this.#stop.abort()
    for (const cache of this.#caches.values()) cache.endWatches(shuttingDown())
    for (const { reject } of this.#waiters.splice(0)) reject(shuttingDown())
    this.#deadline?.[Symbol.dispose]()
    this.#deadline = undefined
  }

  /** Waiters stand in the order in which they came, so the first is the next to be late. */
  #refuseLate(): void {
    this.#deadline = undefined
    const nowMs = this.#clock.monotonicMs()
    while (this.#waiters[0] && this.#waiters[0].lateMs <= nowMs) {
      const { revision: wanted, reject } = this.#waiters.shift()!
      reject(resourceVersionTooLarge(String(wanted), String(this.#revision)))
    }
    const [next] = this.#waiters
    if (next) this.#deadline = this.#clock.schedule(next.lateMs - nowMs, () => this.#refuseLate())
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MS_MIN
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#load()
        retryMs = RETRY_MS_MIN
        await this.#follow()
      } catch (error) {
        if (error instanceof StoreError && error.code === 'closed') this.#end()
        if (signal.aborted) return
        this.#logger.warn({ error }, 'lost the store, loading it again')
        await this.#clock.sleep(retryMs, signal).catch(() => undefined)
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
      }
    }
  }

  async #load(): Promise<void> {
    const byPrefix = new Map<string, Entry[]>()
    let range = keysUnder('/')
    let at: Revision | undefined
    let count = 0
    for (;;) {
      const page = await this.#store.list(range, { limit: PAGE_ENTRIES, ...(at !== undefined && { at }) })
      at = page.revision
      count += page.entries.length
      for (const entry of page.entries) {
        const prefix = prefixOf(entry.key)
        const entries = byPrefix.get(prefix)
        if (entries) entries.push(entry)
        else byPrefix.set(prefix, [entry])
      }
      if (page.next === undefined) break
      range = { start: page.next, end: range.end }
    }
    if (count > PAGE_ENTRIES) await this.#store.releaseMemory?.()
    this.#revision = at
    for (const prefix of byPrefix.keys()) this.cache(prefix)
    for (const [prefix, cache] of this.#caches) cache.reset(byPrefix.get(prefix) ?? [], at)
    this.#advance(at)
    this.#ready.resolve()
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const options = { after: this.#revision, signal }
        for await (const batch of this.#store.watch(keysUnder('/'), options)) this.#apply(batch)
        if (!signal.aborted) throw new StoreError('closed', 'the store ended its watch')
      } catch (error) {
        // Thousands of writes at one moment: the store still has them all, and tells them at once when asked anew.
        if (!(error instanceof StoreError && error.code === 'behind')) throw error
      }
    }
  }

  #apply(batch: Batch): void {
    for (const change of batch.changes) {
      this.cache(prefixOf(change.type === 'put' ? change.entry.key : change.key)).apply(change)
    }
    this.#advance(batch.revision)
  }

  #advance(to: Revision): void {
    this.#revision = to
    if (this.#waiters.length === 0) return
    const reached = this.#waiters.filter(waiter => waiter.revision <= to)
    if (reached.length === 0) return
    this.#waiters = this.#waiters.filter(waiter => waiter.revision > to)
    if (this.#waiters.length === 0) {
      this.#deadline?.[Symbol.dispose]()
      this.#deadline = undefined
    }
    for (const { resolve } of reached) resolve()
  }
}

const shuttingDown = (): StatusError => serviceUnavailable('the server is shutting down')

/** `/apps/statefulsets/` of `/apps/statefulsets/default/web`. */
const prefixOf = (key: string): string => key.slice(0, key.indexOf('/', key.indexOf('/', 1) + 1) + 1)
