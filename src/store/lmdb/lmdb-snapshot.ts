import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkKey, checkLimit, checkRange, checkReadable, checkRevision, closed } from '../bounds.ts'
import type { Expiry, StoreDriver } from '../driver.ts'
import { StoreOpenError } from '../open-error.ts'
import { type Batch, type Entry, type Key, type KeyRange, type Page, type Revision, StoreError } from '../store.ts'
import { readPage } from './page-reader.ts'
import { Tables } from './tables.ts'
import { brokenInvariants } from './verify.ts'

/**
 * A store as it stood at one moment, to be read beside the process that owns it. Everything that would write is
 * `invalid`. It should not stay open for long: the owner cannot use again the space of what is replaced meanwhile.
 */
export async function openLmdbSnapshot(directory: string): Promise<StoreDriver> {
  if (!existsSync(join(directory, 'data.mdb')))
    throw new StoreOpenError('unreadable', `there is no store in ${directory}`)
  const tables = new Tables(directory, { readOnly: true })
  try {
    tables.checkReadableFormat()
    return new LmdbSnapshot(tables)
  } catch (error) {
    await tables.close()
    throw error
  }
}

class LmdbSnapshot implements StoreDriver {
  readonly name = 'lmdb'
  readonly #tables: Tables
  readonly #head: Revision
  #closing: Promise<void> | undefined

  constructor(tables: Tables) {
    this.#tables = tables
    this.#head = tables.head()
  }

  head(): Revision {
    this.#checkOpen()
    return this.#head
  }

  /** There is no other revision than this one. */
  async mark(): Promise<Revision> {
    return this.head()
  }

  async get(key: Key, at: Revision = this.#head): Promise<Entry | undefined> {
    checkKey(key)
    this.#checkReadable(at)
    return this.#tables.find(key)
  }

  async list(range: KeyRange, { at = this.#head, limit }: { at?: Revision; limit: number }): Promise<Page> {
    checkRange(range)
    checkLimit(limit)
    this.#checkReadable(at)
    return readPage(this.#tables, { range, at, limit }, [].values())
  }

  async commit(): Promise<Revision> {
    throw readOnly()
  }

  // biome-ignore lint/correctness/useYield: It only ever throws.
  async *watch(): AsyncGenerator<Batch> {
    throw readOnly()
  }

  async compact(): Promise<void> {
    throw readOnly()
  }

  async advance(): Promise<void> {
    throw readOnly()
  }

  async *verify(): AsyncGenerator<string> {
    this.#checkOpen()
    yield* brokenInvariants(this.#tables)
  }

  async *expiries(): AsyncGenerator<Expiry> {
    this.#checkOpen()
    for (const expiry of Array.from(this.#tables.allExpiries()))
      if (this.#tables.find(expiry.key)?.modRevision === expiry.modRevision) yield expiry
  }

  close(): Promise<void> {
    this.#closing ??= this.#tables.close()
    return this.#closing
  }

  #checkReadable(at: Revision): void {
    this.#checkOpen()
    checkRevision(at, 'revision')
    checkReadable(at, { mark: this.#head, head: this.#head })
  }

  #checkOpen(): void {
    if (this.#closing) throw closed()
  }
}

const readOnly = (): StoreError => new StoreError('invalid', 'this store was opened for reading only')
