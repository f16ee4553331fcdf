import type { StatefulSet } from '../../../api/apps-v1/types.ts'
import type { EventRecorder } from '../../../client/event-recorder.ts'
import { progressingOf } from '../status.ts'
import type { Explanation } from './explain.ts'

/** Causes that are remembered for one set; a set that goes through more is told of the oldest again. */
const CAUSES_MAX = 200

/**
 * Turns explanations into events: one for each cause, however often the set falls back into it, so that a Pod that
 * crashes and recovers for days does not flood anybody (kubernetes/kubernetes#122709).
 */
export class ToldCauses {
  readonly #events: EventRecorder
  readonly #told = new Map<string, Set<string>>()

  constructor(events: EventRecorder) {
    this.#events = events
  }

  tell(set: StatefulSet, { cause, reason, message }: Explanation): void {
    if (cause === undefined) return
    const told = this.#causesOf(set)
    if (told.has(cause)) return
    told.add(cause)
    if (told.size > CAUSES_MAX) told.delete(told.values().next().value!)
    if (progressingOf(set.status ?? {})?.message === message) return // Told before this controller was started.
    this.#events.record(set, { type: 'Warning', reason, message })
  }

  forget(uid: string): void {
    this.#told.delete(uid)
  }

  #causesOf({ metadata: { uid } }: StatefulSet): Set<string> {
    const known = this.#told.get(uid) ?? new Set<string>()
    this.#told.set(uid, known)
    return known
  }
}
