/**
 * A position in the one order of writes; 0 is "before everything". Each write gets a higher one than all before it. A
 * driver may leave numbers out: etcd also counts what others write to it.
 */
export type Revision = number & { readonly revision: unique symbol }

export const revision = (value: number): Revision => value as Revision

/**
 * A path such as `/apps/statefulsets/default/web`: well-formed Unicode without U+0000, at least one and at most
 * `KEY_BYTES_MAX` bytes of UTF-8. Compared as those bytes.
 */
export type Key = string

/** From `start` up to but without `end`. Empty when `end` does not come after `start`. */
export interface KeyRange {
  readonly start: Key
  readonly end: Key
}

/** From the first key that can be to the last; U+10FFFF is no character and begins none. */
export const EVERY_KEY: KeyRange = { start: '', end: '\u{10ffff}' }

/** Every key that begins with `prefix`, which is not empty. */
export const keysUnder = (prefix: string): KeyRange => {
  const characters = [...prefix]
  const last = characters.pop()!.codePointAt(0)!
  return { start: prefix, end: `${characters.join('')}${String.fromCodePoint(nextCodePoint(last))}` }
}

/** Surrogates are no characters of their own and cannot end a key. */
const nextCodePoint = (codePoint: number): number => (codePoint === 0xd7ff ? 0xe000 : codePoint + 1)

export const KEY_BYTES_MAX = 1024
/** Kubernetes' own limit on a request is 3 MiB; an object and its bookkeeping must fit. */
export const VALUE_BYTES_MAX = 3 * 1024 * 1024
/** Batches that a watcher may leave unread before its watch ends with `behind`. */
export const WATCH_BACKLOG_MAX = 1000

/** One key as of some revision. Its bytes are shared by everyone who reads it, and never change. */
export interface Entry {
  readonly key: Key
  readonly value: Uint8Array
  /** Revision that created the key (again). */
  readonly createRevision: Revision
  /** Revision of this value. */
  readonly modRevision: Revision
  /** 1 for a created key, one more for each update. */
  readonly version: number
}

/** Entries in key order, all read at one revision. */
export interface Page {
  readonly revision: Revision
  readonly entries: readonly Entry[]
  /** Where the next page starts: a key to use as `range.start`. Absent on the last page. */
  readonly next?: Key
  /** Entries that follow this page, when the driver knows without reading them. */
  readonly remaining?: number
}

/**
 * What expires: `ttlMs` after the write the driver deletes the key by itself, as one more revision that watchers see.
 * Each write decides anew: an update without `ttlMs` leaves a key that stays.
 */
interface Expiring {
  readonly ttlMs?: number
}

export interface Create extends Expiring {
  readonly type: 'create'
  readonly key: Key
  /** Belongs to the store from here on: the caller must not change it any more. May be empty. */
  readonly value: Uint8Array
}

export interface Update extends Expiring {
  readonly type: 'update'
  readonly key: Key
  readonly value: Uint8Array
  /** Fails with `conflict` unless the key's `modRevision` is this. */
  readonly ifRevision: Revision
}

export interface Delete {
  readonly type: 'delete'
  readonly key: Key
  readonly ifRevision: Revision
}

/** One change, with what stood there before, so that watchers with selectors can tell an update from a removal. */
export type Change =
  | { readonly type: 'put'; readonly entry: Entry; readonly previous?: Entry }
  | { readonly type: 'delete'; readonly key: Key; readonly revision: Revision; readonly previous: Entry }

/** Changes in order; `revision` is the last that the batch covers. Empty when it only tells of progress. */
export interface Batch {
  readonly revision: Revision
  readonly changes: readonly Change[]
}

/** Keys and values under one total order of writes. Knows bytes and revisions; nothing of kinds or HTTP. */
export interface Store {
  /** Revision of the last durable write. Never decreases, also across restarts. */
  head(): Revision
  /**
   * Head as the storage itself knows it now. Only drivers have it whose storage others write too: there `head()` may
   * lag behind a write that another process was already told is durable.
   */
  confirmHead?(): Promise<Revision>
  /** Gives back the memory that reading has taken. For a reader who has read everything and will not do so again. */
  releaseMemory?(): Promise<void>
  /** Reads as of `at`, or of head. Throws `compacted` below the compaction mark, `future` above head. */
  get(key: Key, at?: Revision): Promise<Entry | undefined>
  /** At most `limit` entries (one or more) in key order, read as of `at` or of head. Throws as `get` does. */
  list(range: KeyRange, options: { readonly at?: Revision; readonly limit: number }): Promise<Page>
  /**
   * Resolves once durable, with the revision it made. Throws `exists`, `conflict` or `absent`, having written nothing.
   * After any other failure the outcome is unknown: read the key to learn it.
   */
  commit(write: Create | Update | Delete): Promise<Revision>
  /**
   * Every change after `after`, in order, each once; a batch never splits a revision. An empty batch only tells that
   * the watch has come that far: a reader that waits gets one whenever head passes it by.
   * Throws `compacted` when `after` lies below the compaction mark, `future` when it lies above head, and `behind` for
   * a reader that left more than `WATCH_BACKLOG_MAX` batches unread, which then resumes from its last batch. Returns
   * when `signal` is aborted.
   */
  watch(range: KeyRange, options: { readonly after: Revision; readonly signal: AbortSignal }): AsyncIterable<Batch>
  /**
   * Forgets history below `mark`, which stays readable itself, as does the newest value of every live key. Throws
   * `future` above head; does nothing below an earlier mark.
   */
  compact(mark: Revision): Promise<void>
  /** Walks everything and yields each broken invariant in words. Yields nothing for a sound store. */
  verify(): AsyncIterable<string>
  /** Waits for commits under way, then ends watches with `closed`. Every later call throws `closed`. */
  close(): Promise<void>
}

export type StoreErrorCode =
  | 'exists' // create: the key is there
  | 'absent' // update, delete: the key is not there
  | 'conflict' // update, delete: the key is at another revision
  | 'compacted' // the revision was forgotten
  | 'future' // the revision has not happened yet
  | 'behind' // the watcher left too much unread
  | 'invalid' // a key, value, limit or revision outside its bounds
  | 'full' // no room on the disk; nothing was written
  | 'closed'
  | 'unavailable' // the driver cannot reach its storage; the outcome of a commit is unknown

/** A failure of the store, with a closed set of codes. */
export class StoreError extends Error {
  override name = 'StoreError'
  readonly code: StoreErrorCode
  /** With `conflict` and `exists`: what stands there now, if the driver knows. */
  readonly current?: Entry

  constructor(code: StoreErrorCode, message: string, options: ErrorOptions & { current?: Entry } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    if (options.current) this.current = options.current
  }
}
