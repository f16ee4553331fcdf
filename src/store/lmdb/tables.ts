import { statfsSync } from 'node:fs'
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb'
import type { Expiry } from '../driver.ts'
import { StoreOpenError } from '../open-error.ts'
import { type Change, type Entry, type Key, type Revision, revision } from '../store.ts'
import {
  decodeEntry,
  encodeEntry,
  encodeLogged,
  expiryKey,
  expiryKeyParts,
  FORMAT,
  keyBytes,
  keyOfBytes,
  logKey,
  logKeyParts,
  numberBytes,
  numberOf,
  previousIn,
} from './layout.ts'

type Table = Database<Buffer, Buffer>

/** Fewer and larger pages than the default: a value of 2 KiB stays within its leaf, so that a scan reads in order. */
const PAGE_BYTES = 8192
const META = { format: Buffer.from('format'), head: Buffer.from('head'), mark: Buffer.from('mark') }

/** A change as the log holds it: what it did stands elsewhere, at the key or in the key's next change. */
export interface Logged {
  readonly at: Revision
  readonly key: Key
  readonly previous: Entry | undefined
}

/**
 * The tables of the file, in terms of entries and changes. Reads see the last committed state. Writes made within one
 * call of `transaction` happen together or not at all.
 */
export class Tables {
  #opened: Opened
  #snapshots = 0
  readonly #directory: string

  /** A state to which all reads keep, of a file that belongs to another process. */
  readonly #fixed: { readonly transaction: Transaction } | undefined

  constructor(directory: string, { readOnly = false } = {}) {
    this.#directory = directory
    this.#opened = openTables(directory, { readOnly })
    this.#fixed = readOnly ? { transaction: this.#root.useReadTransaction() } : undefined
  }

  get current(): Table {
    return this.#opened.current
  }

  get log(): Table {
    return this.#opened.log
  }

  get expiries(): Table {
    return this.#opened.expiries
  }

  get #meta(): Table {
    return this.#opened.meta
  }

  get #root(): RootDatabase<Buffer, Buffer> {
    return this.#opened.root
  }

  /**
   * When the disk fails at the very root of the tree LMDB gives up the file, for reads too, until it is opened anew. It
   * has put the former root back by then. Does nothing for a file that can be read.
   */
  async mend(): Promise<void> {
    if (this.#isReadable()) return
    await this.#root.close().catch(() => {})
    this.#opened = openTables(this.#directory, { readOnly: false })
  }

  /**
   * What has been read stays in memory as part of the mapped file until the file is opened anew, which takes some ten
   * milliseconds. Nothing may be read or written meanwhile. Does nothing while somebody holds a state to read.
   */
  async reopen(): Promise<void> {
    if (this.#snapshots > 0 || this.#fixed) return
    await this.#root.close()
    this.#opened = openTables(this.#directory, { readOnly: false })
  }

  #isReadable(): boolean {
    try {
      this.head()
      return true
    } catch {
      return false
    }
  }

  /** Writes the format into a new file; refuses one that this code does not know. */
  async checkFormat(): Promise<void> {
    if (this.#meta.get(META.format)) this.checkReadableFormat()
    else await this.transaction(() => this.putFormat(FORMAT))
  }

  checkReadableFormat(): void {
    const stored = this.#meta.get(META.format, this.#fixed)
    if (!stored) throw new StoreOpenError('unreadable', `${this.#directory} holds a file that is no store`)
    const format = numberOf(stored)
    if (format > FORMAT)
      throw new StoreOpenError('newer-format', `the store has format ${format}; this version knows up to ${FORMAT}`)
  }

  putFormat(format: number): void {
    quietly(this.#meta.put(META.format, numberBytes(format)))
  }

  head(): Revision {
    return this.#number(META.head)
  }

  mark(): Revision {
    return this.#number(META.mark)
  }

  /** Makes what `write` puts one transaction. Resolves once it is on the disk. */
  async transaction(write: () => void): Promise<void> {
    try {
      await this.#root.batch(write)
    } catch (error) {
      throw await causeOf(error)
    } finally {
      this.#root.resetReadTxn()
    }
  }

  putHead(head: Revision): void {
    quietly(this.#meta.put(META.head, numberBytes(head)))
  }

  putMark(mark: Revision): void {
    quietly(this.#meta.put(META.mark, numberBytes(mark)))
  }

  putChange(change: Change): void {
    const { previous } = change
    const key = keyBytes(change.type === 'put' ? change.entry.key : change.key)
    const at = change.type === 'put' ? change.entry.modRevision : change.revision
    quietly(change.type === 'put' ? this.current.put(key, encodeEntry(change.entry)) : this.current.remove(key))
    quietly(this.log.put(logKey(at, key), encodeLogged(change.type, previous)))
  }

  putExpiry({ key, atMs, modRevision }: Expiry): void {
    quietly(this.expiries.put(expiryKey(atMs, modRevision), keyBytes(key)))
  }

  removeExpiry({ atMs, modRevision }: Expiry): void {
    quietly(this.expiries.remove(expiryKey(atMs, modRevision)))
  }

  /** Removes up to `limit` changes at or below `mark` from the log. Returns the keys that they changed. */
  removeLogged(mark: Revision, limit: number): Key[] {
    const rows = [...this.log.getKeys({ end: numberBytes(mark + 1), limit })]
    for (const row of rows) quietly(this.log.remove(row))
    return rows.map(row => logKeyParts(row).key)
  }

  find(key: Key): Entry | undefined {
    const bytes = this.current.get(keyBytes(key), this.#fixed)
    return bytes && decodeEntry(key, bytes)
  }

  /** What stood at the key until it was changed at `at`, which the log holds. */
  findPrevious(key: Key, at: Revision): Entry | undefined {
    return previousOf(key, this.log.get(logKey(at, keyBytes(key)))!)
  }

  /** The changes after `after`, up to and with `until`, at most `limit`. */
  *logged({ after, until, limit }: { after: Revision; until: Revision; limit: number }): Generator<Logged, void, void> {
    const range = { start: numberBytes(after + 1), end: numberBytes(until + 1), limit }
    for (const row of this.log.getRange(range)) {
      const { at, key } = logKeyParts(row.key)
      yield { at, key, previous: previousOf(key, row.value) }
    }
  }

  /** Key and revision of the changes after `after`, at most `limit`. */
  *loggedKeys(after: Revision, limit: number): Generator<{ at: Revision; key: Key }, void, void> {
    for (const row of this.log.getKeys({ start: numberBytes(after + 1), limit })) yield logKeyParts(row)
  }

  *dueExpiries(nowMs: number, limit: number): Generator<Expiry, void, void> {
    yield* this.#expiriesIn({ end: numberBytes(nowMs + 1), limit })
  }

  *allExpiries(): Generator<Expiry, void, void> {
    yield* this.#expiriesIn({})
  }

  nextExpiryMs(): number | undefined {
    const [first] = this.expiries.getKeys({ limit: 1 })
    return first && expiryKeyParts(first).atMs
  }

  /** Room on the file system. */
  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#directory)
    return bavail * bsize
  }

  /** The newest entries from `start` up to but without `end`, as they lie in the file. */
  rows(start: Buffer, end: Buffer): Iterable<{ key: Buffer; value: Buffer }> {
    return this.current.getRange({ start, end, ...this.#fixed })
  }

  /** A state that stays as it is while it is read. Must be ended with `release`. */
  snapshot(): Transaction {
    if (this.#fixed) return this.#fixed.transaction
    this.#snapshots++
    return this.#root.useReadTransaction()
  }

  release(snapshot: Transaction): void {
    if (snapshot === this.#fixed?.transaction) return
    this.#snapshots--
    snapshot.done()
  }

  async close(): Promise<void> {
    this.#fixed?.transaction.done()
    await this.#root.close()
  }

  *#expiriesIn(range: { end?: Buffer; limit?: number }): Generator<Expiry, void, void> {
    for (const { key, value } of this.expiries.getRange({ ...range, ...this.#fixed }))
      yield { ...expiryKeyParts(key), key: keyOfBytes(value) }
  }

  #number(name: Buffer): Revision {
    const bytes = this.#meta.get(name, this.#fixed)
    return revision(bytes ? numberOf(bytes) : 0)
  }
}

interface Opened {
  readonly root: RootDatabase<Buffer, Buffer>
  readonly meta: Table
  readonly current: Table
  readonly log: Table
  readonly expiries: Table
}

function openTables(directory: string, { readOnly }: { readonly readOnly: boolean }): Opened {
  const options = { encoding: 'binary', keyEncoding: 'binary' } as const
  // Without overlapping sync a commit is visible, and its promise resolved, only once it is on the disk.
  const root = open<Buffer, Buffer>({
    ...options,
    path: directory,
    maxDbs: 8,
    pageSize: PAGE_BYTES,
    overlappingSync: false,
    eventTurnBatching: false,
    noSubdir: false,
    readOnly,
  })
  const table = (name: string): Table => root.openDB<Buffer, Buffer>({ ...options, name })
  return { root, meta: table('meta'), current: table('current'), log: table('log'), expiries: table('expiries') }
}

function previousOf(key: Key, logged: Buffer): Entry | undefined {
  const bytes = previousIn(logged)
  return bytes && decodeEntry(key, bytes)
}

/** Each write promises its own outcome; that of the transaction, which we wait for, tells the same. */
function quietly(outcome: Promise<boolean>): void {
  outcome.catch(() => {})
}

/** The binding tells the cause of a failed transaction in a second promise, which rejects later. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> }
  return commitError ? commitError.catch((cause: unknown) => cause) : error
}
