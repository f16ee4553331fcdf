import type { Clock, Timer } from '../machinery/clock.ts'

/** The clock of a machine whose wall time is off, and may jump; durations are as everywhere. */
export class SkewedClock implements Clock {
  /** How far ahead of the others it is. */
  offsetMs: number
  readonly #clock: Clock

  constructor(clock: Clock, offsetMs: number) {
    this.#clock = clock
    this.offsetMs = offsetMs
  }

  now(): Date {
    return new Date(this.#clock.now().getTime() + this.offsetMs)
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  schedule(delayMs: number, run: () => void): Timer {
    return this.#clock.schedule(delayMs, run)
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(delayMs, signal)
  }
}
