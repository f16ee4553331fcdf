import { keyOf, revisionOf } from '../changes.ts'
import { liesIn, sortKey, sortRange } from '../sort-key.ts'
import type { Batch, Change, KeyRange, Revision } from '../store.ts'

const CHANGES_MAX = 1_000

/**
 * The newest changes, for watches that resume: etcd itself lets such a watch wait up to 100 ms, until its next round
 * for those that are behind.
 */
export class RecentChanges {
  #changes: Change[] = []
  /** Everything after this is here. */
  #after: Revision
  #until: Revision

  constructor(at: Revision) {
    this.#after = at
    this.#until = at
  }

  get after(): Revision {
    return this.#after
  }

  add(changes: readonly Change[], until: Revision): void {
    this.#until = until
    this.#changes.push(...changes)
    if (this.#changes.length < CHANGES_MAX * 2) return
    const dropped = this.#changes.splice(0, this.#changes.length - CHANGES_MAX)
    this.#after = revisionOf(dropped.at(-1)!)
  }

  /** Forgets everything: there is a gap before `at`. */
  restart(at: Revision): void {
    this.#changes = []
    this.#after = at
    this.#until = at
  }

  /** What happened in `range` after `position`, which is not before `after`; undefined if that is the newest. */
  batchAfter(position: Revision, range: KeyRange): Batch | undefined {
    if (position >= this.#until) return undefined
    const sorted = sortRange(range)
    const first = this.#changes.findLastIndex(change => revisionOf(change) <= position) + 1
    const changes = this.#changes.slice(first).filter(change => liesIn(sortKey(keyOf(change)), sorted))
    return { revision: this.#until, changes }
  }
}
