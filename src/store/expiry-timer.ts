import type { Clock, Timer } from '../machinery/clock.ts'
import type { Expiry } from './driver.ts'
import { StoreError } from './store.ts'

/** After a failure of the storage below, expiry waits this long. */
const RETRY_MS = 5_000

export interface ExpirySource {
  /** When the earliest expiry is due; undefined when there is none. */
  nextMs(): number | undefined
  /** Up to some hundred expiries that are due at `nowMs`. */
  due(nowMs: number): readonly Expiry[]
  /** Deletes the key unless it was written since, then forgets the expiry. */
  expire(expiry: Expiry): Promise<void>
}

/** Deletes what has expired, driven by the clock; one timer, set for the earliest. */
export class ExpiryTimer {
  readonly #clock: Clock
  readonly #source: ExpirySource
  #timer: Timer | undefined
  #timerForMs = Number.POSITIVE_INFINITY
  #sweep: Promise<void> | undefined
  #stopped = false

  constructor(clock: Clock, source: ExpirySource) {
    this.#clock = clock
    this.#source = source
  }

  /** Looks for what the source holds already. */
  start(): void {
    this.#plan()
  }

  /** Says that something will expire at `atMs`. */
  notice(atMs: number): void {
    if (atMs < this.#timerForMs && !this.#sweep) this.#setFor(atMs)
  }

  /** Resolves when no deletion is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#sweep
  }

  #plan(): void {
    const nextMs = this.#source.nextMs()
    if (nextMs !== undefined) this.#setFor(nextMs)
  }

  #setFor(atMs: number, delayMs = Math.max(0, atMs - this.#clock.now().getTime())): void {
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timerForMs = atMs
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#timerForMs = Number.POSITIVE_INFINITY
      this.#sweep ??= this.#run().then(goesOn => {
        this.#sweep = undefined
        if (goesOn) this.#plan()
        else this.#setFor(this.#clock.now().getTime() + RETRY_MS)
      })
    })
  }

  /** Tells whether everything that was due is gone. A timer may be early by a moment: then nothing is due yet. */
  async #run(): Promise<boolean> {
    try {
      for (;;) {
        const due = this.#source.due(this.#clock.now().getTime())
        if (due.length === 0 || this.#stopped) return true
        await Promise.all(due.map(expiry => this.#source.expire(expiry)))
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      return false // The disk is full or the server away. What is due stays due.
    }
  }
}
