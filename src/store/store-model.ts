import { changeOf, keyOf, revisionOf } from './changes.ts'
import type { Change, Create, Delete, Entry, Key, KeyRange, Revision, StoreErrorCode, Update } from './store.ts'

interface State {
  readonly revision: Revision
  readonly entries: ReadonlyMap<Key, Entry>
}

interface Deadline {
  readonly key: Key
  readonly modRevision: Revision
  readonly atMs: number
}

/** The simplest thing that behaves as a store should: a copy of everything for each revision. An oracle for tests. */
export class StoreModel {
  readonly #states: State[]
  readonly #changes: Change[] = []
  #deadlines: Deadline[] = []
  #mark: Revision
  #nowMs = 0

  constructor(base: Revision) {
    this.#states = [{ revision: base, entries: new Map() }]
    this.#mark = base
  }

  get head(): Revision {
    return this.#states.at(-1)!.revision
  }

  get mark(): Revision {
    return this.#mark
  }

  /** Every revision there has been. */
  get revisions(): readonly Revision[] {
    return this.#states.map(state => state.revision)
  }

  find(key: Key): Entry | undefined {
    return this.#states.at(-1)!.entries.get(key)
  }

  /** What a write must fail with. */
  refusalOf(write: Create | Update | Delete): StoreErrorCode | undefined {
    const current = this.find(write.key)
    if (write.type === 'create') return current ? 'exists' : undefined
    if (!current) return 'absent'
    return current.modRevision === write.ifRevision ? undefined : 'conflict'
  }

  apply(write: Create | Update | Delete, at: Revision): void {
    const change = changeOf(write, { previous: this.find(write.key), at })
    const entries = new Map(this.#states.at(-1)!.entries)
    if (change.type === 'put') entries.set(change.entry.key, change.entry)
    else entries.delete(change.key)
    this.#states.push({ revision: at, entries })
    this.#changes.push(change)
    this.#deadlines = this.#deadlines.filter(deadline => deadline.key !== write.key)
    if (write.type !== 'delete' && write.ttlMs !== undefined)
      this.#deadlines.push({ key: write.key, modRevision: at, atMs: this.#nowMs + write.ttlMs })
  }

  /** Moves time on. Returns what falls due. */
  advance(ms: number): readonly Deadline[] {
    this.#nowMs += ms
    return this.#deadlines.filter(deadline => deadline.atMs <= this.#nowMs)
  }

  compact(mark: Revision): void {
    if (mark > this.#mark) this.#mark = mark
  }

  /** What a read at `at` must fail with. */
  unreadable(at: Revision): StoreErrorCode | undefined {
    if (at < this.#mark) return 'compacted'
    return at > this.head ? 'future' : undefined
  }

  entries(range: KeyRange, at: Revision): readonly Entry[] {
    const state = this.#states.findLast(({ revision }) => revision <= at)!
    return [...state.entries.values()].filter(({ key }) => isIn(range, key)).sort((a, b) => compareBytes(a.key, b.key))
  }

  changes(range: KeyRange, after: Revision): readonly Change[] {
    return this.#changes.filter(change => revisionOf(change) > after && isIn(range, keyOf(change)))
  }
}

const isIn = ({ start, end }: KeyRange, key: Key): boolean =>
  compareBytes(key, start) >= 0 && compareBytes(key, end) < 0

const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
