import type { Clock } from '../../machinery/clock.ts'
import { compacted } from '../bounds.ts'
import { type Change, type Revision, revision } from '../store.ts'
import { WatchHub } from '../watch-hub.ts'
import type { EtcdClient } from './etcd-client.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { numberFrom, type WatchEvent } from './etcd-messages.ts'
import { txn } from './etcd-methods.ts'
import { type Followed, followOnce } from './followed-range.ts'
import { RecentChanges } from './recent-changes.ts'
import { untilAborted } from './until-aborted.ts'

/** When a read told of a revision, and the feed has not come that far by itself after this time, it is helped. */
const HELP_MS = 25

export interface EtcdFeedOptions {
  readonly client: EtcdClient
  readonly keys: EtcdKeys
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onFailure: (error: unknown) => void
}

/** Follows everything under the prefix with one stream, and hands it to all who watch. */
export class EtcdFeed {
  readonly hub: WatchHub
  readonly recent: RecentChanges
  #helping = false
  /** How far etcd is known to have come. */
  #wantedAt = revision(0)
  /** What is told of sooner or later, because something was written there. */
  #coveredTo = revision(0)
  readonly #options: EtcdFeedOptions

  private constructor(options: EtcdFeedOptions, at: Revision) {
    this.#options = options
    this.hub = new WatchHub(at)
    this.recent = new RecentChanges(at)
  }

  static async start(options: EtcdFeedOptions): Promise<EtcdFeed> {
    const { client, keys, clock, signal, onFailure } = options
    const feed = new EtcdFeed(options, await writeProgress(client, keys))
    void untilAborted({ clock, signal, onFailure }, async () => {
      const stream = followOnce({ client, range: keys.followed, after: feed.hub.position, signal })
      for await (const followed of stream) await feed.#take(followed)
    })
    return feed
  }

  /**
   * Says that etcd has come to `at`. What others write to the same etcd moves its revision without an event for us, and
   * before 3.4.25 an answer to a request for progress may overtake events. So a write under the prefix is made to
   * follow all that came before it.
   */
  help(at: Revision): void {
    if (at <= this.hub.position || at <= this.#coveredTo || this.#options.signal.aborted) return
    this.#wantedAt = revision(Math.max(at, this.#wantedAt))
    if (this.#helping) return
    this.#helping = true
    this.#options.clock.schedule(HELP_MS, () => void this.#helpNow())
  }

  async #helpNow(): Promise<void> {
    const { client, keys, onFailure } = this.#options
    try {
      if (this.#wantedAt > this.hub.position) this.#coveredTo = await writeProgress(client, keys)
      this.#helping = false
      this.help(this.#wantedAt) // It may have come from after that write, while that was under way.
    } catch (error) {
      this.#helping = false
      onFailure(error)
    }
  }

  /** Changes of one message; undefined if etcd could not tell what stood before one of them. */
  changesOf(events: readonly WatchEvent[]): Change[] | undefined {
    const { keys } = this.#options
    const changes: Change[] = []
    for (const { type, kv, prev_kv } of events) {
      if (keys.isProgress(kv.key)) continue
      const previous = prev_kv ? keys.entryOf(prev_kv) : undefined
      const isFirst = type === 0 && numberFrom(kv.version) === 1
      if (!previous && !isFirst) return undefined
      if (type === 0) changes.push({ type: 'put', entry: keys.entryOf(kv), ...(previous && { previous }) })
      else {
        const at = revision(numberFrom(kv.mod_revision))
        changes.push({ type: 'delete', key: keys.keyOf(kv.key), revision: at, previous: previous! })
      }
    }
    return changes
  }

  async #take(followed: Followed): Promise<void> {
    const changes = followed.type === 'events' ? this.changesOf(followed.events) : undefined
    if (followed.type === 'compacted' || !changes) return this.#skip()
    this.recent.add(changes, followed.revision)
    this.hub.publish(changes, followed.revision)
  }

  /** What was between is forgotten. Whoever watched must read anew. */
  async #skip(): Promise<void> {
    const at = await writeProgress(this.#options.client, this.#options.keys)
    this.hub.interrupt(compacted(this.hub.position, at))
    this.recent.restart(at)
    this.hub.publish([], at)
    throw new Error(`etcd has compacted what was not read yet; going on at ${at}`)
  }
}

/** Makes something happen under the prefix, and tells when. */
export async function writeProgress(client: EtcdClient, keys: EtcdKeys): Promise<Revision> {
  const put = { request_put: { key: keys.progress, value: Buffer.alloc(0) } }
  const { header } = await client.call(txn, { compare: [], success: [put], failure: [] })
  return revision(numberFrom(header.revision))
}
