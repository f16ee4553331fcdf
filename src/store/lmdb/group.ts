import { changeOf } from '../changes.ts'
import { checkCondition } from '../conditions.ts'
import {
  type Change,
  type Create,
  type Delete,
  type Entry,
  type Key,
  type Revision,
  revision,
  type Update,
} from '../store.ts'
import type { Tables } from './tables.ts'

/**
 * The writes that share one transaction and one flush, while they are put together. Each sees those before it. What
 * stood before the group is kept, because readers must not see it until it is durable.
 */
export class Group {
  readonly tables: Tables
  readonly changes: Change[] = []
  /** What readers see at the keys of this group until it is done. */
  readonly before = new Map<Key, Entry | undefined>()
  readonly #after = new Map<Key, Entry | undefined>()
  #head: Revision
  #mark: Revision
  #bytes = 0

  constructor(tables: Tables, { head, mark }: { head: Revision; mark: Revision }) {
    this.tables = tables
    this.#head = head
    this.#mark = mark
  }

  get head(): Revision {
    return this.#head
  }

  get mark(): Revision {
    return this.#mark
  }

  /** Size of the values written. */
  get bytes(): number {
    return this.#bytes
  }

  find(key: Key): Entry | undefined {
    return this.#after.has(key) ? this.#after.get(key) : this.tables.find(key)
  }

  /** Throws, having put nothing, unless the write's condition holds. */
  apply(write: Create | Update | Delete): Revision {
    const previous = this.find(write.key)
    checkCondition(write, previous)
    const at = revision(this.#head + 1)
    const change = changeOf(write, { previous, at })
    this.#head = at
    if (!this.before.has(write.key)) this.before.set(write.key, previous)
    this.#after.set(write.key, change.type === 'put' ? change.entry : undefined)
    this.#bytes += write.key.length + (write.type === 'delete' ? 0 : write.value.byteLength)
    this.changes.push(change)
    this.tables.putChange(change)
    return at
  }

  /** Forgets history below `mark`, which only goes up. */
  forgetBelow(mark: Revision): void {
    if (mark <= this.#mark) return
    this.#mark = mark
    this.tables.putMark(mark)
  }

  /** Skips the revisions up to `to`, if it has not come as far, and forgets what was before. */
  advance(to: Revision): void {
    if (to <= this.#head) return
    this.#head = to
    this.forgetBelow(to)
  }
}
