import type { Key, Revision, Store } from './store.ts'

/** When a key will expire, unless it is written again before. */
export interface Expiry {
  readonly key: Key
  /** The write that set it. A later write of the key makes it void. */
  readonly modRevision: Revision
  /** Wall time in milliseconds since 1970. */
  readonly atMs: number
}

/** A store as its keepers see it: what backup, restore and the command line need beyond what an API server does. */
export interface StoreDriver extends Store {
  readonly name: 'memory' | 'lmdb' | 'etcd'
  /** Reads at and after this revision work. */
  mark(): Promise<Revision>
  /** Every expiry that still holds, in no particular order. */
  expiries(): AsyncIterable<Expiry>
  /**
   * Lets the next write get a revision above `to`, and forgets what came before. A restore uses it so that watchers who
   * saw revisions of the lost store are told `compacted` instead of being shown other writes under the same numbers.
   */
  advance(to: Revision): Promise<void>
}
