import { SortedKeys } from '../sorted-keys.ts'
import type { Change, Entry, KeyRange, Revision } from '../store.ts'

/** A key that was not there from `revision` on. */
interface Tombstone {
  readonly deletedAt: Revision
}

type Version = Entry | Tombstone

/** Every readable version of every key. Keys are sort keys. */
export class Versions {
  readonly #byKey = new Map<string, Version[]>()
  /** All of `#byKey`, and those among them that live at head. */
  readonly #known = new SortedKeys()
  readonly #live = new SortedKeys()

  find(key: string, at: Revision): Entry | undefined {
    const versions = this.#byKey.get(key)
    if (!versions) return undefined
    const version = versionAt(versions, at)
    return version && 'value' in version ? version : undefined
  }

  *entries({ start, end }: KeyRange, at: Revision): Generator<Entry, void, void> {
    for (const key of this.#known.from(start, end)) {
      const entry = this.find(key, at)
      if (entry) yield entry
    }
  }

  liveCount({ start, end }: KeyRange): number {
    return this.#live.count(start, end)
  }

  add(key: string, change: Change): void {
    const version = change.type === 'put' ? change.entry : { deletedAt: change.revision }
    const versions = this.#byKey.get(key)
    if (versions) versions.push(version)
    else {
      this.#byKey.set(key, [version])
      this.#known.add(key)
    }
    if (change.type === 'delete') this.#live.delete(key)
    else if (!change.previous) this.#live.add(key)
  }

  /** Drops the versions of `key` that no read at or after `mark` can see. */
  forget(key: string, mark: Revision): void {
    const versions = this.#byKey.get(key)
    if (!versions) return
    let first = versions.findLastIndex(version => revisionOf(version) <= mark)
    if (first >= 0 && 'deletedAt' in versions[first]!) first++
    if (first > 0) versions.splice(0, first)
    if (versions.length > 0) return
    this.#byKey.delete(key)
    this.#known.delete(key)
  }

  *brokenInvariants({ mark, head }: { mark: Revision; head: Revision }): Generator<string, void, void> {
    if (this.#known.size !== this.#byKey.size)
      yield `${this.#known.size} keys in order, ${this.#byKey.size} with versions`
    for (const [key, versions] of this.#byKey) {
      for (const [i, version] of versions.entries()) {
        const at = revisionOf(version)
        if (at > head) yield `${key} has a version at ${at}, above head ${head}`
        if (i > 0 && at <= revisionOf(versions[i - 1]!)) yield `${key} has version ${at} out of order`
        if (i > 0 && at <= mark) yield `${key} keeps version ${revisionOf(versions[i - 1]!)}, forgotten at ${mark}`
      }
      const lives = 'value' in versions.at(-1)!
      if (lives !== (this.#live.count(key, `${key}\0`) === 1)) yield `${key} is counted wrongly among the living`
    }
  }
}

function versionAt(versions: readonly Version[], at: Revision): Version | undefined {
  for (let i = versions.length - 1; i >= 0; i--) if (revisionOf(versions[i]!) <= at) return versions[i]
  return undefined
}

const revisionOf = (version: Version): Revision => ('value' in version ? version.modRevision : version.deletedAt)
