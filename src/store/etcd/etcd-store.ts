import type { Clock } from '../../machinery/clock.ts'
import { type Logger, silentLogger } from '../../machinery/logger.ts'
import { checkKey, checkLimit, checkRange, checkRevision, checkWrite, closed, compacted, future } from '../bounds.ts'
import { keyOf } from '../changes.ts'
import type { Expiry, StoreDriver } from '../driver.ts'
import { HistoryTrimmer } from '../history-trimmer.ts'
import { liesIn, sortKey, sortRange } from '../sort-key.ts'
import {
  type Batch,
  type Create,
  type Delete,
  type Entry,
  EVERY_KEY,
  type Key,
  type KeyRange,
  type Page,
  type Revision,
  revision,
  StoreError,
  type Update,
} from '../store.ts'
import type { StoreMetrics } from '../store-metrics.ts'
import { Watch } from '../watch.ts'
import { EtcdClient, type EtcdClientOptions } from './etcd-client.ts'
import { storeErrorFrom } from './etcd-error.ts'
import { EtcdExpiries } from './etcd-expiries.ts'
import { EtcdFeed, writeProgress } from './etcd-feed.ts'
import { EtcdKeys } from './etcd-keys.ts'
import { numberFrom, type RangeRequest, type RangeResponse, type ResponseHeader } from './etcd-messages.ts'
import type { EtcdMethod } from './etcd-methods.ts'
import { compact, range as rangeOf, txn } from './etcd-methods.ts'
import { outcomeOf, txnOf } from './etcd-writes.ts'
import { followOnce } from './followed-range.ts'

const HISTORY_MS = 5 * 60_000
/** Writes under way at once while revisions are used up. */
const ADVANCE_WRITES = 64
const VERIFY_PAGE = 500

export interface EtcdStoreOptions extends EtcdClientOptions {
  /** What every key begins with in etcd, so that it serves several clusters. */
  readonly prefix: string
  readonly clock: Clock
  readonly logger?: Logger
  readonly metrics?: StoreMetrics
  /** How long old revisions can be read; etcd is asked to compact what is older. 0 leaves that to someone else. */
  readonly historyMs?: number
}

/** A store in etcd. Its revisions are etcd's own. Throws `unavailable` when no endpoint answers. */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<StoreDriver> {
  const stop = new AbortController()
  const client = new EtcdClient(options)
  const { clock, logger = silentLogger } = options
  const keys = new EtcdKeys(options.prefix)
  const onFailure = (error: unknown): void => logger.warn({ error }, 'etcd failed; trying again')
  const shared = { client, keys, clock, signal: stop.signal, onFailure }
  try {
    const feed = await EtcdFeed.start(shared)
    const expiries = new EtcdExpiries(shared)
    await expiries.start()
    return new EtcdStore({ ...options, client, keys, feed, expiries, stop, onFailure })
  } catch (error) {
    stop.abort()
    client.close()
    throw storeErrorFrom(error)
  }
}

interface Parts extends EtcdStoreOptions {
  readonly client: EtcdClient
  readonly keys: EtcdKeys
  readonly feed: EtcdFeed
  readonly expiries: EtcdExpiries
  readonly stop: AbortController
  readonly onFailure: (error: unknown) => void
}

class EtcdStore implements StoreDriver {
  readonly name = 'etcd'
  /** The last that a call told of; the feed may know of a later one. */
  #told: Revision
  #isClosed = false
  #closing: Promise<void> | undefined
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #trimmer: HistoryTrimmer | undefined
  /** As far as this store knows. */
  #mark = revision(0)
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
    const { hub } = parts.feed
    this.#told = hub.position
    const { clock, historyMs = HISTORY_MS, metrics, onFailure } = parts
    if (historyMs > 0)
      this.#trimmer = new HistoryTrimmer({
        clock,
        historyMs,
        historyChangesMax: Number.POSITIVE_INFINITY,
        head: () => this.#head,
        mark: () => this.#mark,
        compact: mark => this.#compact(mark),
        onError: onFailure,
      })
    metrics?.observe({
      revision: () => this.#head,
      watchers: () => hub.watcherCount,
      backlog: () => hub.backlogMax(),
    })
  }

  head(): Revision {
    this.#checkOpen()
    return this.#head
  }

  async confirmHead(): Promise<Revision> {
    this.#checkOpen()
    await this.#askHead()
    return this.#head
  }

  /** Asks for a watch from the beginning, which etcd refuses by naming the mark. */
  async mark(): Promise<Revision> {
    this.#checkOpen()
    const { client, keys } = this.#parts
    const stop = new AbortController()
    try {
      for await (const told of followOnce({ client, range: keys.followed, after: revision(0), signal: stop.signal }))
        return told.type === 'compacted' ? told.mark : revision(0)
    } catch (error) {
      throw storeErrorFrom(error)
    } finally {
      stop.abort()
    }
    return revision(0)
  }

  async get(key: Key, at?: Revision): Promise<Entry | undefined> {
    this.#checkOpen()
    checkKey(key)
    const { keys } = this.#parts
    const response = await this.#read({ key: keys.of(key) }, at)
    return response?.kvs[0] && keys.entryOf(response.kvs[0])
  }

  async list(range: KeyRange, { at, limit }: { at?: Revision; limit: number }): Promise<Page> {
    this.#checkOpen()
    checkRange(range)
    checkLimit(limit)
    const { keys } = this.#parts
    const bounds = keys.range(range)
    // Without bounds there is nothing to list, but the revision counts, and is checked.
    const response = await this.#read(bounds ? { ...bounds, limit } : { key: keys.progress, count_only: true }, at)
    const read = at ?? (response ? revision(numberFrom(response.header.revision)) : this.#head)
    if (!response || !bounds) return { revision: read, entries: [], remaining: 0 }
    const entries = response.kvs.map(kv => keys.entryOf(kv))
    const remaining = numberFrom(response.count) - entries.length
    const page = { revision: read, entries, remaining }
    return response.more ? { ...page, next: `${entries.at(-1)!.key}\0` } : page
  }

  async commit(write: Create | Update | Delete): Promise<Revision> {
    this.#checkOpen()
    checkWrite(write)
    const { metrics, clock } = this.#parts
    const commit = this.#tracked(() =>
      metrics ? metrics.measure(write, { clock, commit: () => this.#commit(write) }) : this.#commit(write),
    )
    return commit
  }

  async *watch(range: KeyRange, { after, signal }: { after: Revision; signal: AbortSignal }): AsyncGenerator<Batch> {
    this.#checkOpen()
    checkRange(range)
    checkRevision(after, 'after')
    if (after > this.#head) await this.#askHead()
    if (after > this.#head) throw future(after, this.#head)
    if (after < this.#mark) throw compacted(after, this.#mark)
    let position = after
    const { hub, recent } = this.#parts.feed
    while (position < recent.after && !signal.aborted)
      for await (const batch of this.#resume(range, { after: position, signal })) {
        position = batch.revision
        if (batch.changes.length > 0) yield batch
        if (position >= recent.after) break
      }
    this.#checkOpen()
    const batchAfter = (reached: Revision): Batch | undefined => recent.batchAfter(reached, range)
    const live = new Watch({ hub, range, after: position, signal, check: () => {}, batchAfter })
    yield* { [Symbol.asyncIterator]: () => live }
  }

  async compact(mark: Revision): Promise<void> {
    this.#checkOpen()
    checkRevision(mark, 'mark')
    if (mark > this.#head) await this.#askHead()
    if (mark > this.#head) throw future(mark, this.#head)
    await this.#tracked(() => this.#compact(mark))
  }

  async *verify(): AsyncGenerator<string> {
    let range = EVERY_KEY
    let at: Revision | undefined
    for (;;) {
      const page: Page = await this.list(range, { limit: VERIFY_PAGE, ...(at !== undefined && { at }) })
      at = page.revision
      for (const { key, createRevision, modRevision, version } of page.entries) {
        if (createRevision > modRevision || modRevision > at)
          yield `${key} was created at ${createRevision} and written at ${modRevision}, as of ${at}`
        if (version < 1 || (version === 1) !== (createRevision === modRevision))
          yield `${key} has version ${version} between revisions ${createRevision} and ${modRevision}`
      }
      if (page.next === undefined) return
      range = { start: page.next, end: range.end }
    }
  }

  async *expiries(): AsyncGenerator<Expiry> {
    this.#checkOpen()
    yield* this.#parts.expiries.holding()
  }

  /** Uses up revisions by writing, which is all that etcd's protocol allows: some ten thousand a second. */
  async advance(to: Revision): Promise<void> {
    this.#checkOpen()
    checkRevision(to, 'to')
    const { client, keys } = this.#parts
    const writeSome = async (): Promise<void> => {
      while (this.#head < to) this.#observe(await writeProgress(client, keys))
    }
    await this.#tracked(() => Promise.all(Array.from({ length: ADVANCE_WRITES }, writeSome)))
    await this.#compact(this.#head)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    const { expiries, feed, stop, client } = this.#parts
    await expiries.stop()
    await this.#trimmer?.stop()
    await Promise.allSettled([...this.#underWay])
    stop.abort()
    feed.hub.end(closed())
    client.close()
  }

  async #commit(write: Create | Update | Delete): Promise<Revision> {
    const { clock, keys, expiries } = this.#parts
    const ttlMs = write.type === 'delete' ? undefined : write.ttlMs
    const expiresAtMs = ttlMs === undefined ? undefined : clock.now().getTime() + ttlMs
    const made = outcomeOf(keys, write, await this.#call(txn, txnOf(keys, write, expiresAtMs)))
    if (expiresAtMs !== undefined) expiries.note({ key: write.key, modRevision: made, atMs: expiresAtMs })
    return made
  }

  async #compact(mark: Revision): Promise<void> {
    if (mark === 0) return
    try {
      await this.#call(compact, { revision: mark })
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'compacted')) throw error
    }
    if (mark > this.#mark) this.#mark = mark
  }

  /** Reads, at `at` if it is given. Nothing for revision 0, at which nothing was there. */
  async #read(request: RangeRequest, at: Revision | undefined): Promise<RangeResponse | undefined> {
    if (at === undefined) return this.#call(rangeOf, request)
    checkRevision(at, 'revision')
    if (at > 0) return this.#call(rangeOf, { ...request, revision: at })
    // To etcd revision 0 means head.
    const mark = await this.mark()
    if (mark > 0) throw compacted(at, mark)
    return undefined
  }

  async *#resume(
    range: KeyRange,
    { after, signal }: { after: Revision; signal: AbortSignal },
  ): AsyncGenerator<Batch, void, void> {
    const { client, keys, feed, stop, onFailure } = this.#parts
    const either = AbortSignal.any([signal, stop.signal])
    const sorted = sortRange(range)
    try {
      for await (const told of followOnce({ client, range: keys.followed, after, signal: either })) {
        const changes = told.type === 'events' ? feed.changesOf(told.events) : undefined
        if (told.type === 'compacted' || !changes) throw compacted(after, told.type === 'compacted' ? told.mark : after)
        yield { revision: told.revision, changes: changes.filter(change => liesIn(sortKey(keyOf(change)), sorted)) }
      }
    } catch (error) {
      if (error instanceof StoreError) throw error
      onFailure(error) // The connection broke. It goes on where it was.
    }
    this.#checkOpen()
  }

  async #askHead(): Promise<void> {
    await this.#call(rangeOf, { key: this.#parts.keys.progress, count_only: true })
  }

  async #call<Request, Response extends { readonly header: ResponseHeader }>(
    method: EtcdMethod<Request, Response>,
    request: Request,
  ): Promise<Response> {
    let response: Response
    try {
      response = await this.#parts.client.call(method, request)
    } catch (error) {
      throw this.#isClosed && !this.#underWay.size ? closed() : storeErrorFrom(error)
    }
    this.#observe(revision(numberFrom(response.header.revision)))
    return response
  }

  get #head(): Revision {
    return revision(Math.max(this.#told, this.#parts.feed.hub.position))
  }

  #observe(at: Revision): void {
    if (at <= this.#told) return
    this.#told = at
    this.#parts.feed.help(at)
    this.#trimmer?.notice()
  }

  async #tracked<T>(start: () => Promise<T>): Promise<T> {
    const running = start()
    this.#underWay.add(running)
    try {
      return await running
    } finally {
      this.#underWay.delete(running)
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed()
  }
}
