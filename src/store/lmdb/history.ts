import { keyOf, revisionOf } from '../changes.ts'
import { sortKey } from '../sort-key.ts'
import type { Change, Entry, Key, KeyRange, Revision } from '../store.ts'
import { HistoryIndex } from './history-index.ts'
import type { Tables } from './tables.ts'

/** Changes read at once while the index is made. */
const LOAD_CHANGES_MAX = 10_000

/** What a key was at some revision; no entry if it was not there. */
export interface Past {
  readonly key: Key
  readonly entry: Entry | undefined
}

/** What stood, as of head, at keys that are being written, whose new values may be visible in the tables already. */
export type UnderWay = ReadonlyMap<Key, Entry | undefined>

export const NOTHING_UNDER_WAY: UnderWay = new Map()

/** Reads the past since the mark: the log on the disk, and in memory where to find what in it. */
export class History {
  readonly #tables: Tables
  readonly #index = new HistoryIndex()
  readonly #underWay: () => UnderWay

  constructor(tables: Tables, underWay: () => UnderWay) {
    this.#tables = tables
    this.#underWay = underWay
  }

  /** Makes the index, which takes about a second for a million changes. */
  async load(): Promise<void> {
    let after = this.#tables.mark()
    for (;;) {
      const last = after
      for (const { at, key } of this.#tables.loggedKeys(after, LOAD_CHANGES_MAX)) {
        this.#index.add(key, at)
        after = at
      }
      if (after === last) return
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  get size(): number {
    return this.#index.size
  }

  /** Takes in what has just become durable. */
  add(changes: readonly Change[]): void {
    for (const change of changes) this.#index.add(keyOf(change), revisionOf(change))
  }

  forget(keys: readonly Key[], mark: Revision): void {
    for (const key of keys) this.#index.forget(key, mark)
  }

  /** What stands at the key as of head. */
  current(key: Key): Entry | undefined {
    const underWay = this.#underWay()
    return underWay.has(key) ? underWay.get(key) : this.#tables.find(key)
  }

  /** What stood at the key at `at`. */
  find(key: Key, at: Revision): Entry | undefined {
    const changedAt = this.#index.firstAfter(key, at)
    return changedAt === undefined ? this.current(key) : this.#tables.findPrevious(key, changedAt)
  }

  /** The keys of a range whose rows in the table may not show what stood there at `at`, and what did; in order. */
  pasts(range: KeyRange, at: Revision): Generator<Past, void, void> {
    return merged(this.#changedSince(range, at), this.pastsUnderWay(range))
  }

  /** As `pasts`, for head. */
  pastsUnderWay({ start, end }: KeyRange): Past[] {
    const [from, to] = [sortKey(start), sortKey(end)]
    return [...this.#underWay()]
      .map(([key, entry]) => ({ key, entry, sorted: sortKey(key) }))
      .filter(({ sorted }) => sorted >= from && sorted < to)
      .sort((a, b) => (a.sorted < b.sorted ? -1 : 1))
  }

  /** Up to `limit` changes after `after` and up to `until`, which is head or less. */
  changes({ after, until, limit }: { after: Revision; until: Revision; limit: number }): Change[] {
    return [...this.#tables.logged({ after, until, limit })].map(({ at, key, previous }) => {
      const entry = this.find(key, at)
      if (!entry) return { type: 'delete', key, revision: at, previous: previous! }
      return previous ? { type: 'put', entry, previous } : { type: 'put', entry }
    })
  }

  *#changedSince(range: KeyRange, at: Revision): Generator<Past, void, void> {
    for (const key of this.#index.keys(range)) {
      const changedAt = this.#index.firstAfter(key, at)
      if (changedAt !== undefined) yield { key, entry: this.#tables.findPrevious(key, changedAt) }
    }
  }
}

/** Both in order; where they have the same key, `first` counts. */
function* merged(first: Iterator<Past, void, void>, second: readonly Past[]): Generator<Past, void, void> {
  let next = first.next()
  for (const past of second) {
    const sorted = sortKey(past.key)
    for (; !next.done && sortKey(next.value.key) < sorted; next = first.next()) yield next.value
    if (next.done || next.value.key !== past.key) yield past
  }
  for (; !next.done; next = first.next()) yield next.value
}
