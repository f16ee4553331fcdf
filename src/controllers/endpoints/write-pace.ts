import type { Endpoints } from '../../api/core-v1/types.ts'
import type { Clock } from '../../machinery/clock.ts'

/** Up to so many addresses, every change is written at once. */
const ADDRESSES_FREE = 50
const MS_PER_ADDRESS = 1

/**
 * Spaces the writes of a large object: all of it is written for each Pod that changes, so a thousand Pods that start
 * together would cost a million addresses. Who needs to know at once reads slices, which are never held back.
 */
export class WritePace {
  readonly #clock: Clock
  readonly #writtenMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until the object may be written again; 0 when it may be now. */
  untilNextMs(key: string, existing: Endpoints | undefined): number {
    const writtenMs = this.#writtenMs.get(key)
    if (writtenMs === undefined) return 0
    const pauseMs = Math.max(0, addressCountOf(existing) - ADDRESSES_FREE) * MS_PER_ADDRESS
    return Math.max(0, writtenMs + pauseMs - this.#clock.monotonicMs())
  }

  note(key: string): void {
    this.#writtenMs.set(key, this.#clock.monotonicMs())
  }

  forget(key: string): void {
    this.#writtenMs.delete(key)
  }
}

const addressCountOf = (endpoints: Endpoints | undefined): number =>
  (endpoints?.subsets ?? []).reduce(
    (sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length,
    0,
  )
