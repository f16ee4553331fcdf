import type { Clock } from '../../machinery/clock.ts'

const DELAY_MS_MIN = 1000
const DELAY_MS_MAX = 15 * 60_000

/** Spaces the replacement of daemon Pods that end again and again: per set and machine 1 s, doubling to 15 min. */
export class EndedPodBackoff {
  readonly #clock: Clock
  readonly #delays = new Map<string, { readonly untilMs: number; readonly delayMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds to wait before another Pod of this place may be replaced; 0 allows it and starts the next delay. */
  take(place: string): number {
    const nowMs = this.#clock.monotonicMs()
    const last = this.#delays.get(place)
    if (last && nowMs < last.untilMs) return last.untilMs - nowMs
    const isCalm = !last || nowMs - last.untilMs > 2 * DELAY_MS_MAX
    const delayMs = isCalm ? DELAY_MS_MIN : Math.min(DELAY_MS_MAX, last.delayMs * 2)
    this.#delays.set(place, { untilMs: nowMs + delayMs, delayMs })
    return 0
  }

  /** Drops what concerns the set. */
  forget(set: string): void {
    for (const place of this.#delays.keys()) if (place.startsWith(`${set}/`)) this.#delays.delete(place)
  }
}
