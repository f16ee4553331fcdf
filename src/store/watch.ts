import { invariant } from '../machinery/invariant.ts'
import { checkRange } from './bounds.ts'
import { revisionOf } from './changes.ts'
import { type Batch, type KeyRange, type Revision, StoreError, WATCH_BACKLOG_MAX } from './store.ts'
import type { WatchHub } from './watch-hub.ts'

export interface WatchOptions {
  readonly hub: WatchHub
  readonly range: KeyRange
  readonly after: Revision
  readonly signal: AbortSignal
  /** Throws what is wrong with the request. */
  readonly check: () => void
  /** What happened after `position`, or the beginning of it; undefined at the hub's position. May throw. */
  readonly batchAfter: (position: Revision) => Batch | undefined
}

/** A watch each time that it is iterated; a request that is wrong is told at the first step. */
export const watchOver = (options: WatchOptions): AsyncIterable<Batch> => ({
  [Symbol.asyncIterator]: () => new Watch(options),
})

type Result = IteratorResult<Batch, undefined>

const OVER: Result = { value: undefined, done: true }

/**
 * One watch: first what happened before it began, read as the reader asks for it; then, without a gap, what the hub
 * publishes. The backlog of unread batches begins with the second part. Written by hand because a generator takes
 * several turns of the microtask queue for each batch, a thousand times over.
 */
export class Watch implements AsyncIterator<Batch, undefined> {
  #state: 'new' | 'resuming' | 'following' | 'over' = 'new'
  #position: Revision
  #unread: Batch[] = []
  #failure: StoreError | undefined
  #membership: Disposable | undefined
  #waiting: PromiseWithResolvers<Result> | undefined
  readonly #options: WatchOptions
  readonly #abort = (): void => this.#end()

  constructor(options: WatchOptions) {
    this.#options = options
    this.#position = options.after
  }

  get backlog(): number {
    return this.#unread.length
  }

  next(): Promise<Result> {
    try {
      const batch = this.#nextBatch()
      if (batch) return Promise.resolve(this.#taken(batch))
      if (this.#state === 'over') return Promise.resolve(OVER)
    } catch (error) {
      return Promise.reject(error)
    }
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  async return(): Promise<Result> {
    this.#end()
    return OVER
  }

  /** Called by the hub. An empty batch only tells of progress. */
  offer(batch: Batch): void {
    if (batch.revision <= this.#position) return
    const [first] = batch.changes
    // The reader may have come with a later revision than the hub's.
    if (first && revisionOf(first) <= this.#position)
      batch = { ...batch, changes: batch.changes.filter(change => revisionOf(change) > this.#position) }
    if (this.#waiting) {
      const { resolve } = this.#waiting
      this.#waiting = undefined
      resolve(this.#taken(batch))
    } else if (batch.changes.length > 0) {
      this.#unread.push(batch)
      if (this.#unread.length > WATCH_BACKLOG_MAX)
        this.fail(new StoreError('behind', `the watcher left more than ${WATCH_BACKLOG_MAX} batches unread`))
    }
  }

  /** Called by the hub, when there is nothing more to come. */
  fail(error: StoreError): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#leave()
    if (waiting) waiting.reject(error)
    else this.#failure = error
  }

  #begin(): void {
    const { signal, range, check } = this.#options
    this.#state = 'over'
    check()
    checkRange(range)
    if (signal.aborted) return
    signal.addEventListener('abort', this.#abort)
    this.#state = 'resuming'
  }

  #nextBatch(): Batch | undefined {
    invariant(!this.#waiting, 'a reader asks for one batch at a time')
    const { hub, range, batchAfter } = this.#options
    if (this.#state === 'new') this.#begin()
    if (this.#failure) throw this.#takeFailure(this.#failure)
    if (this.#state === 'resuming') {
      const batch = this.#guarded(() => batchAfter(this.#position))
      if (batch) return batch
      this.#membership = this.#guarded(() => hub.join(this, range))
      this.#state = 'following'
    }
    if (this.#state === 'over') return undefined
    const batch = this.#unread.shift()
    if (batch || hub.position <= this.#position) return batch
    return { revision: hub.position, changes: [] }
  }

  #taken(batch: Batch): Result {
    this.#position = batch.revision
    return { value: batch, done: false }
  }

  #takeFailure(failure: StoreError): StoreError {
    this.#failure = undefined
    return failure
  }

  #guarded<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  #end(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#failure = undefined
    this.#leave()
    waiting?.resolve(OVER)
  }

  #leave(): void {
    this.#state = 'over'
    this.#unread = []
    this.#membership?.[Symbol.dispose]()
    this.#options.signal.removeEventListener('abort', this.#abort)
  }
}
