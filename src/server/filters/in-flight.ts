import type { Clock } from '../../machinery/clock.ts'
import { tooManyRequests } from '../../machinery/status.ts'

export interface InFlightOptions {
  /** Requests served at the same time. */
  readonly concurrencyMax: number
  /** Requests of one user that may wait for their turn; the next one is refused. */
  readonly queuedPerUserMax: number
  /** A request that waited this long is refused. */
  readonly waitMsMax: number
}

interface Waiting {
  readonly start: () => void
  readonly refuse: (error: Error) => void
}

const BUSY = 'too many requests, please try again later.'
const RETRY_AFTER_SECONDS = 1

/**
 * Bounds the requests served at once, and shares the places fairly: when all are taken, users wait in a queue each, and
 * the queues take turns. So a flood by one user makes that user wait, and nobody else much longer than one turn. No user
 * holds more than half of the places, so that a user whose requests never end (bodies that never come) is no stop to others.
 */
export class InFlightLimiter {
  readonly #options: InFlightOptions
  readonly #clock: Clock
  readonly #perUserMax: number
  readonly #runningByUser = new Map<string, number>()
  /** In the order in which users get their turn. While a place is free, only users wait who have their share. */
  readonly #queues = new Map<string, Waiting[]>()
  #running = 0

  constructor(options: InFlightOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#perUserMax = Math.ceil(options.concurrencyMax / 2)
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    let count = 0
    for (const queue of this.#queues.values()) count += queue.length
    return count
  }

  /** Undefined when there is a place at once; else resolves when there is. Throws TooManyRequests. */
  acquire(user: string): Promise<void> | undefined {
    if (this.#running < this.#options.concurrencyMax && this.#mayRunMore(user) && !this.#queues.has(user)) {
      this.#begin(user)
      return undefined
    }
    const queue = this.#queues.get(user) ?? []
    if (queue.length >= this.#options.queuedPerUserMax) throw tooManyRequests(BUSY, RETRY_AFTER_SECONDS)
    this.#queues.set(user, queue)
    return this.#wait(user, queue)
  }

  release(user: string): void {
    this.#running--
    const left = (this.#runningByUser.get(user) ?? 1) - 1
    if (left > 0) this.#runningByUser.set(user, left)
    else this.#runningByUser.delete(user)
    while (this.#running < this.#options.concurrencyMax && this.#startNext());
  }

  #mayRunMore(user: string): boolean {
    return (this.#runningByUser.get(user) ?? 0) < this.#perUserMax
  }

  #begin(user: string): void {
    this.#running++
    this.#runningByUser.set(user, (this.#runningByUser.get(user) ?? 0) + 1)
  }

  async #wait(user: string, queue: Waiting[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting: Waiting = { start: resolve, refuse: reject }
    queue.push(waiting)
    using _timer = this.#clock.schedule(this.#options.waitMsMax, () => {
      this.#drop(user, waiting)
      waiting.refuse(tooManyRequests(BUSY, RETRY_AFTER_SECONDS))
    })
    await promise
  }

  #drop(user: string, waiting: Waiting): void {
    const queue = this.#queues.get(user)
    const index = queue?.indexOf(waiting) ?? -1
    if (queue && index >= 0) queue.splice(index, 1)
    if (queue?.length === 0) this.#queues.delete(user)
  }

  /** Serves the user whose turn it is, and puts that user's queue behind all others. */
  #startNext(): boolean {
    for (const [user, queue] of this.#queues) {
      if (!this.#mayRunMore(user)) continue
      this.#queues.delete(user)
      const next = queue.shift()!
      if (queue.length > 0) this.#queues.set(user, queue)
      this.#begin(user)
      next.start()
      return true
    }
    return false
  }
}
