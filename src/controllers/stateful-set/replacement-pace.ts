import type { Pod } from '../../api/core-v1/types.ts'
import type { Clock } from '../../machinery/clock.ts'

const PAUSE_MS_MIN = 1000
const PAUSE_MS_MAX = 60_000
/** A Pod that lasted so long has earned a replacement without a pause. */
const FORGIVEN_AFTER_MS = 600_000

interface Ending {
  readonly uid: string
  readonly atMs: number
  readonly pauseMs: number
}

/**
 * Slows the replacement of Pods that end again and again, as the kubelet slows restarts: at once for the first, then
 * after 1 s, doubling to a minute. Without it a Pod that its machine refuses is made and deleted as fast as the server
 * can write (kubernetes/kubernetes#122709).
 */
export class ReplacementPace {
  readonly #clock: Clock
  readonly #bySet = new Map<string, Map<string, Ending>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How long this ended Pod still has to stay before it is replaced. */
  waitMs(setUid: string, { metadata: { name, uid } }: Pod): number {
    const nowMs = this.#clock.monotonicMs()
    const endings = this.#bySet.get(setUid) ?? new Map<string, Ending>()
    this.#bySet.set(setUid, endings)
    const last = endings.get(name)
    const current = last?.uid === uid ? last : { uid, atMs: nowMs, pauseMs: pauseAfter(last, nowMs) }
    endings.set(name, current)
    return Math.max(0, current.atMs + current.pauseMs - nowMs)
  }

  forget(setUid: string): void {
    this.#bySet.delete(setUid)
  }
}

function pauseAfter(last: Ending | undefined, nowMs: number): number {
  if (!last || nowMs - last.atMs > FORGIVEN_AFTER_MS) return 0
  return Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, last.pauseMs * 2))
}
