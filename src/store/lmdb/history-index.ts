import { sortKey, sortRange } from '../sort-key.ts'
import { SortedKeys } from '../sorted-keys.ts'
import type { Key, KeyRange, Revision } from '../store.ts'

/**
 * Which keys were changed when, since the mark. Kept in memory, because on the disk it would be a second place to write
 * for every commit, far from the first; it is made from the log when the store opens.
 */
export class HistoryIndex {
  readonly #byKey = new Map<Key, Revision[]>()
  readonly #sorted = new SortedKeys()
  /** Sort keys differ from keys for few characters only. */
  readonly #keyOfSorted = new Map<string, Key>()
  #size = 0

  /** Changes that it knows. */
  get size(): number {
    return this.#size
  }

  /** Must be called in the order of revisions. */
  add(key: Key, at: Revision): void {
    this.#size++
    const revisions = this.#byKey.get(key)
    if (revisions) {
      revisions.push(at)
      return
    }
    this.#byKey.set(key, [at])
    const sorted = sortKey(key)
    if (sorted !== key) this.#keyOfSorted.set(sorted, key)
    this.#sorted.add(sorted)
  }

  /** Forgets the changes of `key` up to and with `mark`. */
  forget(key: Key, mark: Revision): void {
    const revisions = this.#byKey.get(key)
    if (!revisions) return
    const kept = revisions.findIndex(at => at > mark)
    this.#size -= revisions.splice(0, kept === -1 ? revisions.length : kept).length
    if (revisions.length > 0) return
    const sorted = sortKey(key)
    this.#byKey.delete(key)
    this.#keyOfSorted.delete(sorted)
    this.#sorted.delete(sorted)
  }

  /** The first change of `key` after `at`. */
  firstAfter(key: Key, at: Revision): Revision | undefined {
    const revisions = this.#byKey.get(key)
    if (!revisions || revisions.at(-1)! <= at) return undefined
    let low = 0
    let high = revisions.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (revisions[middle]! <= at) low = middle + 1
      else high = middle
    }
    return revisions[low]
  }

  /** Keys of `range` that were changed, in order. */
  *keys(range: KeyRange): Generator<Key, void, void> {
    const { start, end } = sortRange(range)
    for (const sorted of this.#sorted.from(start, end)) yield this.#keyOfSorted.get(sorted) ?? sorted
  }
}
