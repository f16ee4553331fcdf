import type { Clock } from '../machinery/clock.ts'

export interface PaceOptions {
  /** Up to this size, nothing waits. */
  readonly sizeFree: number
  /** The pause that each further unit of size earns. */
  readonly pauseMsPerUnit: number
}

/**
 * Spaces work whose price grows with the size of what it is done for, so that a thousand changes of something that has
 * a thousand parts do not cost a million. The first change never waits.
 */
export class Pace {
  readonly #clock: Clock
  readonly #options: PaceOptions
  readonly #againAtMs = new Map<string, number>()

  constructor(clock: Clock, options: PaceOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** Milliseconds until the work may be done again; 0 when it may be now. */
  untilNextMs(key: string): number {
    return Math.max(0, (this.#againAtMs.get(key) ?? 0) - this.#clock.monotonicMs())
  }

  /** The work is done now, for something of this size. */
  note(key: string, size: number): void {
    const { sizeFree, pauseMsPerUnit } = this.#options
    if (size <= sizeFree) this.#againAtMs.delete(key)
    else this.#againAtMs.set(key, this.#clock.monotonicMs() + (size - sizeFree) * pauseMsPerUnit)
  }

  forget(key: string): void {
    this.#againAtMs.delete(key)
  }
}

/** How often all Pods of one Service or one set are looked over: a look costs about ten microseconds for each of them. */
export const PASSES_OVER_PODS: PaceOptions = { sizeFree: 100, pauseMsPerUnit: 0.02 }
