import { expect } from 'vitest'
import { revisionOf } from '../changes.ts'
import type { StoreDriver } from '../driver.ts'
import {
  type Batch,
  type Change,
  type KeyRange,
  keysUnder,
  type Revision,
  type Store,
  type StoreErrorCode,
} from '../store.ts'

/** One store for one test, gone when the test is over. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: StoreDriver
  /** Moves the clock that was handed to the store. */
  advance(ms: number): Promise<void>
  /** Closes the store and opens it again on the same storage. Absent where nothing outlives the process. */
  reopen?(): Promise<StoreDriver>
}

export type OpenForTest = () => Promise<StoreUnderTest>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (value: Uint8Array): string => new TextDecoder().decode(value)

export const problems = (store: Store): Promise<string[]> => all(store.verify())

export async function createAll(store: Store, keys: readonly string[]): Promise<Revision[]> {
  const made: Revision[] = []
  for (const key of keys) made.push(await store.commit({ type: 'create', key, value: bytes(key) }))
  return made
}

export async function listed(store: Store, range: KeyRange = keysUnder('/')): Promise<string[]> {
  return (await store.list(range, { limit: 1000 })).entries.map(entry => entry.key)
}

/** The first `count` changes of a watch. */
export async function collect(
  store: Store,
  { after, count, range = keysUnder('/') }: { after: Revision; count: number; range?: KeyRange },
): Promise<Change[]> {
  const stop = new AbortController()
  const seen: Change[] = []
  let last = after
  for await (const batch of store.watch(range, { after, signal: stop.signal })) {
    for (const change of batch.changes) expect(revisionOf(change)).toBeGreaterThan(last)
    expect(batch.revision).toBeGreaterThan(last)
    last = batch.revision
    seen.push(...batch.changes)
    if (seen.length >= count) stop.abort()
  }
  return seen
}

/** The code of the error that a call ends with; undefined if it succeeds. */
export async function codeOf(call: Promise<unknown>): Promise<StoreErrorCode | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    const { code } = error as { code?: StoreErrorCode }
    if (code === undefined) throw error
    return code
  }
}

export const described = (change: Change): string => {
  const was = change.previous ? ` was ${change.previous.modRevision}` : ''
  return change.type === 'put'
    ? `put ${change.entry.key}@${change.entry.modRevision} v${change.entry.version}${was}`
    : `delete ${change.key}@${change.revision}${was}`
}

export async function first(batches: AsyncIterable<Batch>): Promise<Batch | undefined> {
  for await (const batch of batches) return batch
  return undefined
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}
