import type { Clock } from '../../machinery/clock.ts'
import {
  checkKey,
  checkLimit,
  checkRange,
  checkReadable,
  checkRevision,
  checkWrite,
  closed,
  future,
} from '../bounds.ts'
import { changeOf, keyOf, revisionOf } from '../changes.ts'
import { checkCondition } from '../conditions.ts'
import type { Expiry, StoreDriver } from '../driver.ts'
import { ExpiryHeap } from '../expiry-heap.ts'
import { ExpiryTimer } from '../expiry-timer.ts'
import { liesIn, sortKey, sortRange } from '../sort-key.ts'
import {
  type Batch,
  type Change,
  type Create,
  type Delete,
  type Entry,
  type Key,
  type KeyRange,
  type Page,
  type Revision,
  revision,
  type Update,
} from '../store.ts'
import type { StoreMetrics } from '../store-metrics.ts'
import { watchOver } from '../watch.ts'
import { WatchHub } from '../watch-hub.ts'
import { Versions } from './versions.ts'

/** Changes kept for reads at old revisions and for watches that resume. */
const HISTORY_CHANGES_MAX = 50_000
/** Expiries handled at once. */
const SWEEP_MAX = 256

export interface MemoryStoreOptions {
  readonly clock: Clock
  readonly historyChangesMax?: number
  readonly metrics?: StoreMetrics
}

/** A store that lives as long as its process. Durable for nobody, otherwise exact; the same calls give the same history. */
export const memoryStore = (options: MemoryStoreOptions): StoreDriver => new MemoryStore(options)

class MemoryStore implements StoreDriver {
  readonly name = 'memory'
  #head = revision(0)
  #mark = revision(0)
  #isClosed = false
  /** Every change after the mark, in order. */
  #changes: Change[] = []
  readonly #versions = new Versions()
  readonly #hub = new WatchHub(revision(0))
  readonly #expiries = new ExpiryHeap()
  readonly #expiryTimer: ExpiryTimer
  readonly #clock: Clock
  readonly #historyChangesMax: number
  readonly #metrics: StoreMetrics | undefined

  constructor({ clock, historyChangesMax = HISTORY_CHANGES_MAX, metrics }: MemoryStoreOptions) {
    this.#metrics = metrics
    this.#clock = clock
    this.#historyChangesMax = historyChangesMax
    this.#expiryTimer = new ExpiryTimer(clock, {
      nextMs: () => this.#expiries.first()?.atMs,
      due: nowMs => this.#expiries.takeDue(nowMs, SWEEP_MAX),
      expire: expiry => this.#expire(expiry),
    })
    metrics?.observe({
      revision: () => this.#head,
      watchers: () => this.#hub.watcherCount,
      backlog: () => this.#hub.backlogMax(),
      historyChanges: () => this.#changes.length,
    })
  }

  head(): Revision {
    this.#checkOpen()
    return this.#head
  }

  async mark(): Promise<Revision> {
    return this.#mark
  }

  async get(key: Key, at: Revision = this.#head): Promise<Entry | undefined> {
    this.#checkOpen()
    checkKey(key)
    this.#checkReadable(at)
    return this.#versions.find(sortKey(key), at)
  }

  async list(range: KeyRange, { at = this.#head, limit }: { at?: Revision; limit: number }): Promise<Page> {
    this.#checkOpen()
    checkRange(range)
    checkLimit(limit)
    this.#checkReadable(at)
    const { start, end } = sortRange(range)
    const entries: Entry[] = []
    for (const entry of this.#versions.entries({ start, end }, at)) {
      if (entries.length === limit) {
        const following = at === this.#head ? { remaining: this.#versions.liveCount({ start, end }) - limit } : {}
        return { revision: at, entries, next: entry.key, ...following }
      }
      entries.push(entry)
    }
    return { revision: at, entries, remaining: 0 }
  }

  async commit(write: Create | Update | Delete): Promise<Revision> {
    this.#checkOpen()
    checkWrite(write)
    if (!this.#metrics) return this.#apply(write)
    return this.#metrics.measure(write, { clock: this.#clock, commit: async () => this.#apply(write) })
  }

  watch(range: KeyRange, { after, signal }: { after: Revision; signal: AbortSignal }): AsyncIterable<Batch> {
    const check = (): void => {
      this.#checkOpen()
      this.#checkReadable(after)
    }
    const batchAfter = (position: Revision): Batch | undefined => this.#batchAfter(position, range)
    return watchOver({ hub: this.#hub, range, after, signal, check, batchAfter })
  }

  async compact(mark: Revision): Promise<void> {
    this.#checkOpen()
    checkRevision(mark, 'mark')
    if (mark > this.#head) throw future(mark, this.#head)
    this.#forgetBelow(mark)
  }

  async *verify(): AsyncGenerator<string> {
    this.#checkOpen()
    yield* this.#versions.brokenInvariants({ mark: this.#mark, head: this.#head })
    let last: Revision = this.#mark
    for (const change of this.#changes) {
      const next = revisionOf(change)
      if (next <= last) yield `change ${next} follows ${last}`
      last = next
    }
  }

  async *expiries(): AsyncGenerator<Expiry> {
    for (const expiry of this.#expiries.values())
      if (this.#versions.find(sortKey(expiry.key), this.#head)?.modRevision === expiry.modRevision) yield expiry
  }

  async advance(to: Revision): Promise<void> {
    this.#checkOpen()
    checkRevision(to, 'to')
    if (to <= this.#head) return
    this.#head = to
    this.#forgetBelow(to)
    this.#hub.publish([], to)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#expiryTimer.stop()
    this.#hub.end(closed())
  }

  #apply(write: Create | Update | Delete): Revision {
    const key = sortKey(write.key)
    const previous = this.#versions.find(key, this.#head)
    checkCondition(write, previous)
    this.#head = revision(this.#head + 1)
    const change = changeOf(write, { previous, at: this.#head })
    this.#versions.add(key, change)
    this.#changes.push(change)
    if (write.type !== 'delete' && write.ttlMs !== undefined) this.#noteExpiry(write.key, write.ttlMs)
    // Trimming half as much again at a time keeps its price per write constant.
    const { length } = this.#changes
    if (length > this.#historyChangesMax * 1.5)
      this.#forgetBelow(revisionOf(this.#changes[length - this.#historyChangesMax - 1]!))
    this.#hub.publish([change], this.#head)
    return this.#head
  }

  #batchAfter(after: Revision, range: KeyRange): Batch | undefined {
    this.#checkReadable(after)
    if (after === this.#head) return undefined
    const sorted = sortRange(range)
    const changes = this.#changes
      .slice(this.#indexAfter(after))
      .filter(change => liesIn(sortKey(keyOf(change)), sorted))
    return { revision: this.#head, changes }
  }

  #forgetBelow(mark: Revision): void {
    if (mark <= this.#mark) return
    this.#mark = mark
    for (const change of this.#changes.splice(0, this.#indexAfter(mark)))
      this.#versions.forget(sortKey(keyOf(change)), mark)
  }

  /** The place of the first change after `after`. */
  #indexAfter(after: Revision): number {
    let low = 0
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (revisionOf(this.#changes[middle]!) <= after) low = middle + 1
      else high = middle
    }
    return low
  }

  #noteExpiry(key: Key, ttlMs: number): void {
    const atMs = this.#clock.now().getTime() + ttlMs
    this.#expiries.add({ key, modRevision: this.#head, atMs })
    this.#expiryTimer.notice(atMs)
  }

  async #expire({ key, modRevision }: Expiry): Promise<void> {
    const current = this.#versions.find(sortKey(key), this.#head)
    if (!this.#isClosed && current?.modRevision === modRevision)
      this.#apply({ type: 'delete', key, ifRevision: modRevision })
  }

  #checkReadable(at: Revision): void {
    checkRevision(at, 'revision')
    checkReadable(at, { mark: this.#mark, head: this.#head })
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed()
  }
}
