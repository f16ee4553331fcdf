import { liesIn, sortKey, sortRange } from './sort-key.ts'
import { type Batch, type Change, type KeyRange, type Revision, StoreError, WATCH_BACKLOG_MAX } from './store.ts'

/**
 * Hands new changes to those who watch. Watchers of one range share a filter and its batches, so that a thousand
 * watchers of the same keys cost little more than one. Publishing never waits for a reader.
 */
export class WatchHub {
  #position: Revision
  readonly #groups = new Map<string, Group>()
  #ended: StoreError | undefined
  #watcherCount = 0

  constructor(position: Revision) {
    this.#position = position
  }

  /** The last revision published. A subscription made now begins right after it. */
  get position(): Revision {
    return this.#position
  }

  get watcherCount(): number {
    return this.#watcherCount
  }

  /** Batches that the slowest reader has not taken yet. */
  backlogMax(): number {
    let max = 0
    for (const group of this.#groups.values())
      for (const subscription of group.subscriptions) max = Math.max(max, subscription.backlog)
    return max
  }

  /** Tells every watcher of `changes`, which are all that happened up to and with `revision`. Lower ones are ignored. */
  publish(changes: readonly Change[], revision: Revision): void {
    if (revision <= this.#position) return
    this.#position = revision
    if (this.#groups.size === 0) return
    const keys = changes.map(change => sortKey(change.type === 'put' ? change.entry.key : change.key))
    const nothing: Batch = { revision, changes: [] }
    for (const group of this.#groups.values()) {
      const selected = changes.filter((_, i) => liesIn(keys[i]!, group.range))
      const batch = selected.length > 0 ? { revision, changes: selected } : nothing
      for (const subscription of group.subscriptions) subscription.offer(batch)
    }
  }

  /** Collects from now on. Must be closed, or a reader that went away fills its backlog for nothing. */
  subscribe(range: KeyRange, signal: AbortSignal): Subscription {
    if (this.#ended) throw this.#ended
    const groups = this.#groups
    const name = `${range.start}\0${range.end}`
    let group = groups.get(name)
    if (!group) {
      group = { range: sortRange(range), subscriptions: new Set() }
      groups.set(name, group)
    }
    const { subscriptions } = group
    const leave = (): void => {
      if (!subscriptions.delete(subscription)) return
      this.#watcherCount--
      if (subscriptions.size === 0 && groups.get(name)?.subscriptions === subscriptions) groups.delete(name)
    }
    const subscription = new Subscription({ position: () => this.#position, signal, leave })
    subscriptions.add(subscription)
    this.#watcherCount++
    return subscription
  }

  /** Ends every watch with `error`, and those that come later. */
  end(error: StoreError): void {
    this.#ended = error
    this.interrupt(error)
  }

  /** Ends the watches of now with `error`. */
  interrupt(error: StoreError): void {
    for (const group of [...this.#groups.values()])
      for (const subscription of [...group.subscriptions]) subscription.fail(error)
  }
}

/**
 * First what already happened after `after`, read with `batchAfter`, which returns undefined at the hub's position;
 * then, without a gap, what the hub publishes. The backlog of unread batches only begins with the second part.
 */
export async function* resumeThenFollow(
  hub: WatchHub,
  options: {
    readonly range: KeyRange
    readonly after: Revision
    readonly signal: AbortSignal
    readonly batchAfter: (position: Revision) => Batch | undefined
  },
): AsyncGenerator<Batch, void, void> {
  const { range, signal, batchAfter } = options
  let position = options.after
  while (!signal.aborted) {
    const batch = batchAfter(position)
    if (!batch) break
    position = batch.revision
    yield batch
  }
  if (signal.aborted) return
  using live = hub.subscribe(range, signal)
  yield* live
}

interface Group {
  readonly range: KeyRange
  readonly subscriptions: Set<Subscription>
}

interface SubscriptionOptions {
  readonly position: () => Revision
  readonly signal: AbortSignal
  readonly leave: () => void
}

/** The unread batches of one watcher. */
export class Subscription implements AsyncIterable<Batch>, Disposable {
  #unread: Batch[] = []
  #taken: Revision
  #wake: (() => void) | undefined
  #failure: StoreError | undefined
  readonly #options: SubscriptionOptions
  readonly #abort = (): void => this.#signalReader()

  constructor(options: SubscriptionOptions) {
    this.#options = options
    this.#taken = options.position()
    options.signal.addEventListener('abort', this.#abort)
  }

  get backlog(): number {
    return this.#unread.length
  }

  offer(batch: Batch): void {
    if (batch.changes.length > 0) {
      this.#unread.push(batch)
      if (this.#unread.length > WATCH_BACKLOG_MAX)
        this.fail(new StoreError('behind', `the watcher left more than ${WATCH_BACKLOG_MAX} batches unread`))
    }
    this.#signalReader()
  }

  fail(error: StoreError): void {
    this.#failure = error
    this.#unread = []
    this.#options.leave()
    this.#signalReader()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, void> {
    while (!this.#options.signal.aborted) {
      if (this.#failure) throw this.#failure
      const batch = this.#take()
      if (batch) yield batch
      else await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  [Symbol.dispose](): void {
    this.#options.leave()
    this.#options.signal.removeEventListener('abort', this.#abort)
  }

  /** The oldest unread batch; without one, news of how far the store has come, if it has. */
  #take(): Batch | undefined {
    const batch = this.#unread.shift()
    const revision = batch?.revision ?? this.#options.position()
    if (!batch && revision <= this.#taken) return undefined
    this.#taken = revision
    return batch ?? { revision, changes: [] }
  }

  #signalReader(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}
