import type { Clock, Timer } from '../machinery/clock.ts'

const RETRY_MS_MIN = 5
const RETRY_MS_MAX = 1_000_000
const BUCKET_RETRIES_PER_SECOND = 10
const BUCKET_RETRIES_MAX = 100

/**
 * Keys that wait for work, each at most once. A key that is added while it is worked on waits until that pass is done,
 * so no key is ever worked on twice at once. Retries are spaced per key (5 ms doubling to 1000 s) and overall
 * (10 a second after a burst of 100), as controllers of Kubernetes do.
 */
export class WorkQueue {
  readonly #clock: Clock
  readonly #waiting = new Set<string>()
  readonly #working = new Set<string>()
  readonly #again = new Set<string>()
  readonly #later = new Map<string, { readonly atMs: number; readonly timer: Timer }>()
  readonly #failures = new Map<string, number>()
  readonly #takers: ((key: string | undefined) => void)[] = []
  #bucketFreeAtMs = -Infinity // Full at the start.
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keys that wait now, without those planned for later. */
  get depth(): number {
    return this.#waiting.size
  }

  add(key: string): void {
    if (this.#isClosed) return
    if (this.#working.has(key)) this.#again.add(key)
    else this.#offer(key)
  }

  /** Adds the key at a later time. Of several times the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isClosed) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const atMs = this.#clock.monotonicMs() + delayMs
    const planned = this.#later.get(key)
    if (planned && planned.atMs <= atMs) return
    planned?.timer.cancel()
    const timer = this.#clock.schedule(delayMs, () => {
      this.#later.delete(key)
      this.add(key)
    })
    this.#later.set(key, { atMs, timer })
  }

  /** Adds the key after the pause that its failures so far have earned. */
  addAfterFailure(key: string): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    const ownMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures, 40))
    this.addAfter(key, Math.max(ownMs, this.#bucketDelayMs()))
  }

  /** The key went well: its next failure starts from the shortest pause. */
  forgetFailures(key: string): void {
    this.#failures.delete(key)
  }

  /** The next key, as soon as there is one; undefined once the queue is closed. Call `done` with it afterwards. */
  async take(): Promise<string | undefined> {
    if (this.#isClosed) return undefined
    const [key] = this.#waiting
    if (key === undefined) return new Promise(resolve => this.#takers.push(resolve))
    this.#waiting.delete(key)
    this.#working.add(key)
    return key
  }

  done(key: string): void {
    this.#working.delete(key)
    if (this.#again.delete(key)) this.add(key)
  }

  /** Drops what waits and lets every taker go. */
  close(): void {
    this.#isClosed = true
    for (const { timer } of this.#later.values()) timer.cancel()
    this.#later.clear()
    this.#waiting.clear()
    for (const release of this.#takers.splice(0)) release(undefined)
  }

  #offer(key: string): void {
    const taker = this.#takers.shift()
    if (!taker) {
      this.#waiting.add(key)
      return
    }
    this.#working.add(key)
    taker(key)
  }

  #bucketDelayMs(): number {
    const nowMs = this.#clock.monotonicMs()
    const intervalMs = 1000 / BUCKET_RETRIES_PER_SECOND
    const burstStartMs = nowMs - BUCKET_RETRIES_MAX * intervalMs
    this.#bucketFreeAtMs = Math.max(this.#bucketFreeAtMs, burstStartMs) + intervalMs
    return Math.max(0, this.#bucketFreeAtMs - nowMs)
  }
}
