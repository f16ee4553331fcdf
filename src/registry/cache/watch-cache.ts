import type { JsonObject } from '../../machinery/json.ts'
import { expired, type StatusError } from '../../machinery/status.ts'
import { type Change, type Entry, type KeyRange, keysUnder, type Revision } from '../../store/store.ts'
import { CachedObject } from './cached-object.ts'
import { SortedKeys } from './sorted-keys.ts'
import type { CacheEvent, Watcher } from './watcher.ts'
import { type Interest, WatcherSet } from './watcher-set.ts'

/** Changes of one resource that watches can start from. Older starting points are answered with 410. */
export const HISTORY_EVENTS_MAX = 4096
/** Objects of the last writes that readers share with their writers: enough for those whom a change wakes at once. */
const FRESH_OBJECTS_MAX = 64

/** All objects of one resource in memory, with their recent changes. The mirror of the store keeps it up to date. */
export class WatchCache {
  /** The keys that belong to it: `/apps/statefulsets/`. */
  readonly range: KeyRange
  readonly #objects = new Map<string, CachedObject>()
  readonly #keys = new SortedKeys()
  readonly #watchers = new WatcherSet()
  /** Objects on their way into the store, so that they need not be parsed when they come back as bytes. */
  readonly #expected = new Map<string, { readonly stored: Uint8Array; readonly object: JsonObject }>()
  readonly #fresh: CachedObject[] = []
  #nextFresh = 0
  #listed: (KeyRange & { readonly objects: readonly CachedObject[] }) | undefined
  #history: CacheEvent[] = []
  /** Every change after this revision is in the history. */
  #horizon: Revision
  /** Revision of the last change here. */
  #changed: Revision

  constructor(prefix: string, revision: Revision) {
    this.range = keysUnder(prefix)
    this.#horizon = revision
    this.#changed = revision
  }

  get size(): number {
    return this.#objects.size
  }

  /** Nothing here changed after this revision. */
  get changed(): Revision {
    return this.#changed
  }

  find(key: string): CachedObject | undefined {
    return this.#objects.get(key)
  }

  /** In the order of their keys. The last answer is kept while nothing changes: readers come many at a time. */
  objects(range: KeyRange = this.range): readonly CachedObject[] {
    if (this.#listed?.start === range.start && this.#listed.end === range.end) return this.#listed.objects
    const objects = this.#keys.within(range).map(key => this.#objects.get(key)!)
    this.#listed = { ...range, objects }
    return objects
  }

  /** Announces a write, so that readers share the writer's object. */
  expect(key: string, stored: Uint8Array, object: JsonObject): void {
    this.#expected.set(key, { stored, object })
  }

  /** Takes the state of the store as of `revision`. Watches end: nobody knows what they missed. */
  reset(entries: readonly Entry[], revision: Revision): void {
    this.#objects.clear()
    this.#keys.clear()
    this.#listed = undefined
    for (const entry of entries) {
      this.#objects.set(entry.key, cached(entry))
      this.#keys.add(entry.key)
    }
    this.#history = []
    this.#horizon = revision
    this.#changed = revision
    this.endWatches()
  }

  endWatches(failure?: StatusError): void {
    this.#watchers.end(failure)
  }

  apply(change: Change): void {
    const event = change.type === 'put' ? this.#put(change.entry) : this.#delete(change)
    if (!event) return
    this.#listed = undefined
    this.#changed = event.revision as Revision
    this.#history.push(event)
    if (this.#history.length >= 2 * HISTORY_EVENTS_MAX) {
      this.#horizon = this.#history[HISTORY_EVENTS_MAX - 1]!.revision as Revision
      this.#history = this.#history.slice(HISTORY_EVENTS_MAX)
    }
    this.#watchers.tell(event)
  }

  #put(entry: Entry): CacheEvent {
    const previous = this.#objects.get(entry.key)
    const encoded = this.#received(entry)
    this.#objects.set(entry.key, encoded)
    if (!previous) this.#keys.add(entry.key)
    return {
      revision: entry.modRevision,
      event: { type: previous ? 'MODIFIED' : 'ADDED', encoded },
      ...(previous && { previous }),
    }
  }

  #received(entry: Entry): CachedObject {
    const expected = this.#expected.get(entry.key)
    if (!expected || !sameBytes(expected.stored, entry.value)) return cached(entry)
    this.#expected.delete(entry.key)
    const object = new CachedObject({ key: entry.key, revision: entry.modRevision }, entry.value, expected.object)
    this.#fresh[this.#nextFresh]?.forgetWritten()
    this.#fresh[this.#nextFresh] = object
    this.#nextFresh = (this.#nextFresh + 1) % FRESH_OBJECTS_MAX
    return object
  }

  #delete({ key, revision }: { readonly key: string; readonly revision: Revision }): CacheEvent | undefined {
    const previous = this.#objects.get(key)
    if (!previous) return undefined
    this.#objects.delete(key)
    this.#keys.remove(key)
    return { revision, event: { type: 'DELETED', encoded: previous.at(revision) }, previous }
  }

  /** Forgets an announcement whose write failed. */
  unexpect(key: string, stored: Uint8Array): void {
    if (this.#expected.get(key)?.stored === stored) this.#expected.delete(key)
  }

  /** The changes after a revision. Throws 410 when they were forgotten. */
  changesAfter(revision: Revision): readonly CacheEvent[] {
    if (revision < this.#horizon) throw expired(`too old resource version: ${revision} (${this.#horizon})`)
    const { length } = this.#history
    if (length === 0 || this.#history[length - 1]!.revision <= revision) return []
    const first = this.#history.findIndex(event => event.revision > revision)
    return this.#history.slice(first)
  }

  /** With an interest, only changes that may concern it are shown to the watcher. */
  addWatcher(watcher: Watcher, interest?: Interest): void {
    this.#watchers.add(watcher, interest)
  }

  removeWatcher(watcher: Watcher): void {
    this.#watchers.delete(watcher)
  }
}

const cached = ({ key, value, modRevision }: Entry): CachedObject =>
  new CachedObject({ key, revision: modRevision }, value)

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a === b || (a.byteLength === b.byteLength && Buffer.compare(a, b) === 0)
