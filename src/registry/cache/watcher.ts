import type { StatusError } from '../../machinery/status.ts'
import type { EncodedWatchEvent, EncodedWatchIterator } from '../resource.ts'
import type { CachedObject } from './cached-object.ts'

/** Events that one watcher may leave unread before its watch ends. Its client resumes from the last one it saw. */
export const WATCHER_QUEUE_MAX = 4096

/** One change of one object, as the cache tells it. The event of a watcher without a selector is shared by all. */
export interface CacheEvent {
  readonly revision: number
  readonly event: EncodedWatchEvent
  /** The object before, for selectors that it left or entered. */
  readonly previous?: CachedObject
}

/** Says what a watcher sees of a change, if anything. */
export type EventFilter = (change: CacheEvent) => EncodedWatchEvent | undefined

/**
 * A bounded queue between the cache, which must never wait, and one reader. A reader that falls behind loses its
 * watch, not the writers their time.
 */
export class Watcher implements EncodedWatchIterator {
  readonly #filter: EventFilter
  readonly #onEnd: () => void
  #initial: Iterator<EncodedWatchEvent> | undefined
  #queue: EncodedWatchEvent[] = []
  #head = 0
  #waiting:
    | { resolve(result: IteratorResult<EncodedWatchEvent, undefined>): void; reject(error: unknown): void }
    | undefined
  #ended = false
  #failure: StatusError | undefined

  constructor(options: { filter: EventFilter; initial?: Iterable<EncodedWatchEvent>; onEnd: () => void }) {
    this.#filter = options.filter
    this.#initial = options.initial?.[Symbol.iterator]()
    this.#onEnd = options.onEnd
  }

  push(change: CacheEvent): void {
    const event = this.#filter(change)
    if (event) this.send(event)
  }

  send(event: EncodedWatchEvent): void {
    if (this.#ended) return
    if (this.#waiting) {
      const { resolve } = this.#waiting
      this.#waiting = undefined
      resolve({ done: false, value: event })
    } else if (this.#queue.length - this.#head >= WATCHER_QUEUE_MAX) this.end()
    else this.#queue.push(event)
  }

  /** No more events; what is queued is still read, then `failure` is thrown if there is one. */
  end(failure?: StatusError): void {
    if (this.#ended) return
    this.#ended = true
    this.#failure = failure
    this.#onEnd()
    const waiting = this.#waiting
    this.#waiting = undefined
    if (!waiting) return
    if (failure) waiting.reject(failure)
    else waiting.resolve({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<EncodedWatchEvent, undefined>> {
    const value = this.take()
    if (value) return Promise.resolve({ done: false, value })
    if (this.#ended) {
      const failure = this.#failure
      this.#failure = undefined
      return failure ? Promise.reject(failure) : Promise.resolve({ done: true, value: undefined })
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  return(): Promise<IteratorResult<EncodedWatchEvent, undefined>> {
    this.#queue = []
    this.#head = 0
    this.#initial = undefined
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** The next event if it is there already. */
  take(): EncodedWatchEvent | undefined {
    if (this.#initial) {
      const { done, value } = this.#initial.next()
      if (!done) return value
      this.#initial = undefined
    }
    if (this.#head >= this.#queue.length) return undefined
    const event = this.#queue[this.#head++]
    if (this.#head === this.#queue.length || this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return event
  }
}
