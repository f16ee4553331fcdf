import type { Transaction } from 'lmdb'
import { KEY_BYTES_MAX, type Key, type Revision, revision } from '../store.ts'
import {
  decodeEntry,
  isDeletion,
  isIntact,
  keyBytes,
  keyOfBytes,
  logKeyParts,
  numberBytes,
  previousIn,
} from './layout.ts'
import type { Tables } from './tables.ts'

/** Rows walked before others get a turn. */
const ROWS_PER_TURN = 2_000

interface Walk {
  readonly tables: Tables
  readonly transaction: Transaction
  readonly head: Revision
  readonly mark: Revision
}

/** Walks every row of one state of the file. Writers go on meanwhile. */
export async function* brokenInvariants(tables: Tables): AsyncGenerator<string, void, void> {
  const transaction = tables.snapshot()
  try {
    const walk: Walk = { tables, transaction, head: tables.head(), mark: tables.mark() }
    if (walk.mark > walk.head) yield `the mark ${walk.mark} lies above head ${walk.head}`
    yield* inTurns(currentProblems(walk))
    yield* inTurns(logProblems(walk))
  } finally {
    tables.release(transaction)
  }
}

/** Passes on what is not `undefined`, which stands for a sound row. */
async function* inTurns(rows: Iterable<string | undefined>): AsyncGenerator<string, void, void> {
  let walked = 0
  for (const problem of rows) {
    if (problem !== undefined) yield problem
    if (++walked % ROWS_PER_TURN === 0) await new Promise(resolve => setImmediate(resolve))
  }
}

function* currentProblems({ tables, transaction, head }: Walk): Generator<string | undefined, void, void> {
  for (const { key, value } of tables.current.getRange({ transaction })) {
    yield undefined
    const name = keyOfBytes(key)
    if (key.byteLength > KEY_BYTES_MAX) yield `${name} is longer than a key may be`
    yield* entryProblems(name, value, head)
  }
}

/** The last change of a key that the log holds. */
interface LastChange {
  readonly at: Revision
  readonly isDeletion: boolean
}

function* logProblems({ tables, transaction, head, mark }: Walk): Generator<string | undefined, void, void> {
  const lastChanges = new Map<Key, LastChange>()
  let expected = mark + 1
  for (const row of tables.log.getRange({ start: numberBytes(mark + 1), transaction })) {
    yield undefined
    const { at, key } = logKeyParts(row.key)
    if (at !== expected) yield `the log goes on with ${at} where ${expected} was due`
    expected = at + 1
    const previous = previousIn(row.value)
    if (previous) yield* entryProblems(key, previous, revision(at - 1))
    const stood = previous && decodeEntry(key, previous).modRevision
    const last = lastChanges.get(key)
    if (last && stood !== (last.isDeletion ? undefined : last.at))
      yield `${describe(key, last)}, but what stood there until ${at} is of ${stood ?? 'nothing'}`
    lastChanges.set(key, { at, isDeletion: isDeletion(row.value) })
  }
  if (expected !== head + 1) yield `the log ends before ${expected}, head is ${head}`
  for (const [key, last] of lastChanges) {
    yield undefined
    const current = tables.current.get(keyBytes(key), { transaction })
    const stands = current && decodeEntry(key, current).modRevision
    if (stands !== (last.isDeletion ? undefined : last.at))
      yield `${describe(key, last)}, but what stands there is of ${stands ?? 'nothing'}`
  }
}

const describe = (key: Key, { at, isDeletion }: LastChange): string =>
  `${key} was ${isDeletion ? 'deleted' : 'written'} at ${at}`

function* entryProblems(name: Key, bytes: Buffer, newest: Revision): Generator<string, void, void> {
  if (!isIntact(name, bytes)) {
    yield `an entry of ${name} does not match its checksum`
    return
  }
  const { createRevision, modRevision, version } = decodeEntry(name, bytes)
  if (createRevision < 1 || createRevision > modRevision)
    yield `${name} was created at ${createRevision}, after ${modRevision}`
  if (modRevision > newest) yield `${name} stands at ${modRevision}, above ${newest}`
  if (version < 1 || (version === 1) !== (createRevision === modRevision))
    yield `${name} has version ${version} between revisions ${createRevision} and ${modRevision}`
}
