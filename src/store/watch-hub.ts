import { liesIn, sortKey, sortRange } from './sort-key.ts'
import type { Batch, Change, KeyRange, Revision, StoreError } from './store.ts'

/**
 * Hands new changes to those who watch. Watchers of one range share a filter and its batches, so that a thousand
 * watchers of the same keys cost little more than one. Publishing never waits for a reader.
 */
export class WatchHub {
  #position: Revision
  readonly #groups = new Map<string, Group>()
  #ended: StoreError | undefined
  #watcherCount = 0

  constructor(position: Revision) {
    this.#position = position
  }

  /** The last revision published. A subscription made now begins right after it. */
  get position(): Revision {
    return this.#position
  }

  get watcherCount(): number {
    return this.#watcherCount
  }

  /** Batches that the slowest reader has not taken yet. */
  backlogMax(): number {
    let max = 0
    for (const group of this.#groups.values())
      for (const watcher of group.watchers) max = Math.max(max, watcher.backlog)
    return max
  }

  /** Tells every watcher of `changes`, which are all that happened up to and with `revision`. Lower ones are ignored. */
  publish(changes: readonly Change[], revision: Revision): void {
    if (revision <= this.#position) return
    this.#position = revision
    if (this.#groups.size === 0) return
    const keys = changes.map(change => sortKey(change.type === 'put' ? change.entry.key : change.key))
    const nothing: Batch = { revision, changes: [] }
    for (const group of this.#groups.values()) {
      const selected = changes.filter((_, i) => liesIn(keys[i]!, group.range))
      const batch = selected.length > 0 ? { revision, changes: selected } : nothing
      for (const watcher of group.watchers) watcher.offer(batch)
    }
  }

  /** Adds a watcher that has seen everything up to `position`. */
  join(watcher: Watcher, range: KeyRange): Disposable {
    if (this.#ended) throw this.#ended
    const groups = this.#groups
    const name = `${range.start}\0${range.end}`
    let group = groups.get(name)
    if (!group) {
      group = { range: sortRange(range), watchers: new Set() }
      groups.set(name, group)
    }
    const { watchers } = group
    watchers.add(watcher)
    this.#watcherCount++
    return {
      [Symbol.dispose]: () => {
        if (!watchers.delete(watcher)) return
        this.#watcherCount--
        if (watchers.size === 0 && groups.get(name)?.watchers === watchers) groups.delete(name)
      },
    }
  }

  /** Ends every watch with `error`, and those that come later. */
  end(error: StoreError): void {
    this.#ended = error
    this.interrupt(error)
  }

  /** Ends the watches of now with `error`. */
  interrupt(error: StoreError): void {
    for (const group of this.#groups.values()) for (const watcher of group.watchers) watcher.fail(error)
  }
}

interface Watcher {
  readonly backlog: number
  offer(batch: Batch): void
  fail(error: StoreError): void
}

interface Group {
  readonly range: KeyRange
  readonly watchers: Set<Watcher>
}
