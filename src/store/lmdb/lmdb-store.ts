import { mkdirSync } from 'node:fs'
import type { Clock } from '../../machinery/clock.ts'
import { type Logger, silentLogger } from '../../machinery/logger.ts'
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
import { keyOf } from '../changes.ts'
import type { Expiry, StoreDriver } from '../driver.ts'
import { ExpiryTimer } from '../expiry-timer.ts'
import { HistoryTrimmer } from '../history-trimmer.ts'
import { liesIn, sortKey, sortRange } from '../sort-key.ts'
import {
  type Batch,
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
import { GroupCommitter } from './group-committer.ts'
import { History } from './history.ts'
import { own } from './owner.ts'
import { readPage } from './page-reader.ts'
import { Tables } from './tables.ts'
import { brokenInvariants } from './verify.ts'

const HISTORY_MS = 5 * 60_000
/** At 2 KiB a value this is about 2 GiB of file. */
const HISTORY_CHANGES_MAX = 500_000
/** Changes forgotten in one transaction, so that writers never wait long for it. */
const TRIM_CHANGES_MAX = 256
/** Changes read at once for a watch that resumes. */
const RESUME_CHANGES_MAX = 256
/** Expiries handled at once. */
const SWEEP_MAX = 256

export interface LmdbStoreOptions {
  /** Made if it is not there. */
  readonly directory: string
  readonly clock: Clock
  readonly logger?: Logger
  readonly metrics?: StoreMetrics
  /** How long old revisions can be read and watched from. */
  readonly historyMs?: number
  /** How many changes are kept at most, however young. */
  readonly historyChangesMax?: number
}

/** A store in one file on one machine, with one owner. Throws `StoreOpenError` when it cannot be opened. */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<StoreDriver> {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  const owner = await own(options.directory)
  let tables: Tables | undefined
  try {
    tables = new Tables(options.directory)
    await tables.checkFormat()
    const store = new LmdbStore(tables, owner, options)
    await store.start()
    return store
  } catch (error) {
    await tables?.close()
    await owner[Symbol.asyncDispose]()
    throw error
  }
}

class LmdbStore implements StoreDriver {
  readonly name = 'lmdb'
  #isClosed = false
  #closing: Promise<void> | undefined
  #reopening: Promise<void> | undefined
  readonly #tables: Tables
  readonly #owner: AsyncDisposable
  readonly #clock: Clock
  readonly #metrics: StoreMetrics | undefined
  readonly #hub: WatchHub
  readonly #committer: GroupCommitter
  readonly #history: History
  readonly #expiryTimer: ExpiryTimer
  readonly #trimmer: HistoryTrimmer

  constructor(tables: Tables, owner: AsyncDisposable, options: LmdbStoreOptions) {
    const { clock, metrics, logger = silentLogger } = options
    this.#tables = tables
    this.#owner = owner
    this.#clock = clock
    this.#metrics = metrics
    this.#hub = new WatchHub(tables.head())
    this.#committer = new GroupCommitter({
      tables,
      onGroup: size => metrics?.group(size),
      onDurable: (changes, head) => {
        this.#history.add(changes)
        this.#hub.publish(changes, head)
        this.#trimmer.notice()
      },
    })
    this.#history = new History(tables, () => this.#committer.underWay)
    this.#expiryTimer = new ExpiryTimer(clock, {
      nextMs: () => tables.nextExpiryMs(),
      due: nowMs => [...tables.dueExpiries(nowMs, SWEEP_MAX)],
      expire: expiry => this.#expire(expiry),
    })
    this.#trimmer = new HistoryTrimmer({
      clock,
      historyMs: options.historyMs ?? HISTORY_MS,
      historyChangesMax: options.historyChangesMax ?? HISTORY_CHANGES_MAX,
      head: () => this.#committer.head,
      mark: () => this.#committer.mark,
      compact: mark => this.#forgetBelow(mark),
      onError: error => logger.warn({ error }, 'history was not trimmed; it will be tried again'),
    })
    metrics?.observe({
      revision: () => this.#committer.head,
      watchers: () => this.#hub.watcherCount,
      backlog: () => this.#hub.backlogMax(),
      historyChanges: () => this.#history.size,
    })
  }

  /** Must be done before the first call. */
  async start(): Promise<void> {
    await this.#history.load()
    this.#trimmer.notice()
    this.#expiryTimer.start()
  }

  head(): Revision {
    this.#checkOpen()
    return this.#committer.head
  }

  async mark(): Promise<Revision> {
    this.#checkOpen()
    return this.#committer.mark
  }

  async get(key: Key, at: Revision = this.#committer.head): Promise<Entry | undefined> {
    this.#checkOpen()
    checkKey(key)
    this.#checkReadable(at)
    if (this.#reopening) await this.#reopening
    return at === this.#committer.head ? this.#history.current(key) : this.#history.find(key, at)
  }

  async list(range: KeyRange, { at = this.#committer.head, limit }: { at?: Revision; limit: number }): Promise<Page> {
    this.#checkOpen()
    checkRange(range)
    checkLimit(limit)
    this.#checkReadable(at)
    if (this.#reopening) await this.#reopening
    const isPast = at < this.#committer.head
    const pasts = isPast ? this.#history.pasts(range, at) : this.#history.pastsUnderWay(range).values()
    return readPage(this.#tables, { range, at, limit }, pasts)
  }

  async commit(write: Create | Update | Delete): Promise<Revision> {
    this.#checkOpen()
    checkWrite(write)
    if (!this.#metrics) return this.#commit(write)
    return this.#metrics.measure(write, { clock: this.#clock, commit: () => this.#commit(write) })
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
    if (mark > this.#committer.head) throw future(mark, this.#committer.head)
    await this.#forgetBelow(mark)
  }

  async releaseMemory(): Promise<void> {
    this.#checkOpen()
    await this.#committer.between(async () => {
      const reopened = this.#tables.reopen()
      this.#reopening = reopened
      await reopened
      this.#reopening = undefined
    })
  }

  async *verify(): AsyncGenerator<string> {
    this.#checkOpen()
    yield* brokenInvariants(this.#tables)
  }

  async *expiries(): AsyncGenerator<Expiry> {
    this.#checkOpen()
    // Read at once: a cursor must not outlive the turn.
    for (const expiry of Array.from(this.#tables.allExpiries()))
      if (this.#tables.find(expiry.key)?.modRevision === expiry.modRevision) yield expiry
  }

  async advance(to: Revision): Promise<void> {
    this.#checkOpen()
    checkRevision(to, 'to')
    await this.#committer.commit(group => group.advance(to))
    await this.#removeHistory()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    await this.#expiryTimer.stop()
    await this.#trimmer.stop()
    await this.#committer.close()
    this.#hub.end(closed())
    await this.#tables.close()
    await this.#owner[Symbol.asyncDispose]()
  }

  async #commit(write: Create | Update | Delete): Promise<Revision> {
    if (write.type === 'delete' || write.ttlMs === undefined) return this.#committer.commit(group => group.apply(write))
    const atMs = this.#clock.now().getTime() + write.ttlMs
    const made = await this.#committer.commit(group => {
      const modRevision = group.apply(write)
      this.#tables.putExpiry({ key: write.key, modRevision, atMs })
      return modRevision
    })
    this.#expiryTimer.notice(atMs)
    return made
  }

  async #expire(expiry: Expiry): Promise<void> {
    await this.#committer.commit(group => {
      this.#tables.removeExpiry(expiry)
      const { key, modRevision } = expiry
      if (group.find(key)?.modRevision === modRevision) group.apply({ type: 'delete', key, ifRevision: modRevision })
    })
  }

  #batchAfter(after: Revision, range: KeyRange): Batch | undefined {
    this.#checkOpen()
    this.#checkReadable(after)
    const until = this.#committer.head
    if (after === until) return undefined
    const changes = this.#history.changes({ after, until, limit: RESUME_CHANGES_MAX })
    const sorted = sortRange(range)
    // Every revision after the mark is one change, so the count tells how far the batch reaches.
    return {
      revision: revision(after + changes.length),
      changes: changes.filter(change => liesIn(sortKey(keyOf(change)), sorted)),
    }
  }

  async #forgetBelow(mark: Revision): Promise<void> {
    if (mark > this.#committer.mark) await this.#committer.commit(group => group.forgetBelow(mark))
    await this.#removeHistory()
  }

  /** Removes what lies below the mark, a little at a time, each behind the writers that wait already. */
  async #removeHistory(): Promise<void> {
    let removed: readonly Key[]
    do {
      const mark = this.#committer.mark
      removed = await this.#committer.commit(() => this.#tables.removeLogged(mark, TRIM_CHANGES_MAX))
      this.#history.forget(removed, mark)
    } while (removed.length === TRIM_CHANGES_MAX && !this.#isClosed)
  }

  #checkReadable(at: Revision): void {
    checkRevision(at, 'revision')
    checkReadable(at, { mark: this.#committer.mark, head: this.#committer.head })
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed()
  }
}
