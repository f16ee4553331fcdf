import { closed } from '../bounds.ts'
import { type Change, type Revision, StoreError } from '../store.ts'
import { Group } from './group.ts'
import { NOTHING_UNDER_WAY, type UnderWay } from './history.ts'
import type { Tables } from './tables.ts'

/** Work that shares one flush, at most. More would make the first in the group wait too long for the last. */
const GROUP_WORKS_MAX = 512
/** Past this size a group takes no more. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024

/** Adds its writes to a group, synchronously. Throws a `StoreError`, having put nothing, to refuse. */
export type Work<T> = (group: Group) => T

export interface GroupCommitterOptions {
  readonly tables: Tables
  /** Called once a group is durable, before those who wait for it go on. */
  readonly onDurable: (changes: readonly Change[], head: Revision) => void
  readonly onGroup: (size: number) => void
}

interface Waiting {
  readonly run: (group: Group) => void
  readonly fail: (error: unknown) => void
  readonly done: () => void
}

/**
 * Puts work that waits into one transaction with one flush, a group at a time: while a group is flushed the next one
 * gathers. So one writer waits for one flush, and many writers wait together.
 */
export class GroupCommitter {
  #head: Revision
  #mark: Revision
  #waiting: Waiting[] = []
  #between: (() => Promise<void>)[] = []
  #underWay: Group | undefined
  #running: Promise<void> | undefined
  #isClosed = false
  readonly #options: GroupCommitterOptions

  constructor(options: GroupCommitterOptions) {
    this.#options = options
    this.#head = options.tables.head()
    this.#mark = options.tables.mark()
  }

  /** The last durable revision. */
  get head(): Revision {
    return this.#head
  }

  /** The durable compaction mark. */
  get mark(): Revision {
    return this.#mark
  }

  get underWay(): UnderWay {
    return this.#underWay?.before ?? NOTHING_UNDER_WAY
  }

  /** Resolves once what `work` put is durable. */
  commit<T>(work: Work<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(closed())
    return new Promise<T>((resolve, reject) => {
      let result: T
      this.#waiting.push({
        run: group => {
          result = work(group)
        },
        fail: reject,
        done: () => resolve(result),
      })
      this.#running ??= this.#runAll()
    })
  }

  /** Runs something between two groups, while nothing is written. Writers wait meanwhile. */
  between(run: () => Promise<void>): Promise<void> {
    if (this.#isClosed) return Promise.reject(closed())
    return new Promise<void>((resolve, reject) => {
      this.#between.push(() => run().then(resolve, reject))
      this.#running ??= this.#runAll()
    })
  }

  /** Takes no more work, and resolves when what was taken is done. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  async #runAll(): Promise<void> {
    do {
      // Lets everyone whom the last group set free add to the next.
      await new Promise(resolve => setImmediate(resolve))
      for (const run of this.#between.splice(0)) await run()
      if (this.#waiting.length > 0) await this.#runGroup()
    } while (this.#waiting.length > 0 || this.#between.length > 0)
    this.#running = undefined
  }

  async #runGroup(): Promise<void> {
    const group = new Group(this.#options.tables, { head: this.#head, mark: this.#mark })
    const members: Waiting[] = []
    this.#underWay = group
    try {
      await this.#options.tables.transaction(() => this.#fill(group, members))
    } catch (error) {
      await this.#settleAfterFailure(group)
      const failure = storeErrorFrom(error, this.#options.tables.freeBytes())
      for (const { fail } of members) fail(failure)
      return
    }
    this.#settle(group)
    this.#options.onGroup(members.length)
    for (const { done } of members) done()
  }

  /** Moves work into the group until either is exhausted. Work that refuses is out at once. */
  #fill(group: Group, members: Waiting[]): void {
    let taken = 0
    while (taken < this.#waiting.length && members.length < GROUP_WORKS_MAX && group.bytes < GROUP_BYTES_MAX) {
      const work = this.#waiting[taken++]!
      try {
        work.run(group)
        members.push(work)
      } catch (error) {
        work.fail(error instanceof StoreError ? error : storeErrorFrom(error, this.#options.tables.freeBytes()))
      }
    }
    this.#waiting.splice(0, taken)
    if (group.head > this.#head) group.tables.putHead(group.head)
  }

  #settle(group: Group): void {
    this.#underWay = undefined
    this.#mark = group.mark
    if (group.head === this.#head) return
    this.#head = group.head
    this.#options.onDurable(group.changes, group.head)
  }

  /** The transaction either happened or not, whatever its failure says; the file tells which. */
  async #settleAfterFailure(group: Group): Promise<void> {
    const { tables } = this.#options
    this.#underWay = undefined
    try {
      await tables.mend()
    } catch {
      return // It cannot even be read. The next group tries again.
    }
    if (tables.head() === group.head && tables.mark() === group.mark) this.#settle(group)
  }
}

/** With less room than this a write that was cut short was so for want of room. LMDB calls that an I/O error. */
const FREE_BYTES_MIN = 32 * 1024 * 1024
const NO_ROOM = /no space left|disk quota exceeded|file too large|MDB_MAP_FULL|mapsize limit/i
const CUT_SHORT = /input\/output error/i

function storeErrorFrom(cause: unknown, freeBytes: number): StoreError {
  const text = String(cause)
  if (NO_ROOM.test(text) || (CUT_SHORT.test(text) && freeBytes < FREE_BYTES_MIN))
    return new StoreError('full', 'there is no room left for the store; nothing was written', { cause })
  return new StoreError('unavailable', `the store cannot write its file: ${text}`, { cause })
}
