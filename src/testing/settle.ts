import type { VirtualClock } from '../fakes/virtual-clock.ts'

/** Silence that counts as rest: longer than a grace period, a few probes and every back-off but a crash loop's. */
const QUIET_MS = 40_000
/** Change for so long is no way to rest. */
const SETTLE_LIMIT_MS = 600_000

/** What was written, apart from heartbeats: Leases, and Events, which only tell of other changes. */
export class Activity {
  readonly #clock: VirtualClock
  #lastMs = 0
  readonly #recent: string[] = []

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  get lastMs(): number {
    return this.#lastMs
  }

  /** The keys written last, newest last, for messages. */
  get recent(): readonly string[] {
    return this.#recent
  }

  note(key: string): void {
    if (key.includes('/leases/') || key.includes('/events/')) return
    this.#lastMs = this.#clock.monotonicMs()
    this.#recent.push(key)
    if (this.#recent.length > 10) this.#recent.shift()
  }
}

export interface SettleOptions {
  /** Silence to wait for. */
  readonly quietMs?: number
  /** Virtual time after which a world that still changes counts as restless. */
  readonly limitMs?: number
}

/** Lets virtual time pass until nothing but heartbeats happens. Throws when the world does not come to rest, and says what changed. */
export async function settle(
  clock: VirtualClock,
  activity: Activity,
  { quietMs = QUIET_MS, limitMs = SETTLE_LIMIT_MS }: SettleOptions = {},
): Promise<void> {
  const startedMs = clock.monotonicMs()
  await clock.rest()
  for (;;) {
    const nowMs = clock.monotonicMs()
    const leftMs = Math.max(activity.lastMs, startedMs) + quietMs - nowMs
    if (leftMs <= 0) return
    if (nowMs - startedMs > limitMs) {
      throw new Error(
        `not settled after ${limitMs / 1000} s of virtual time; written last: ${activity.recent.join(', ')}`,
      )
    }
    await clock.advance(Math.min(leftMs, clock.untilNextMs() ?? leftMs))
  }
}
