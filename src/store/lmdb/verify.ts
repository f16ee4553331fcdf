import type { Transaction } from 'lmdb'
import { KEY_BYTES_MAX, type Key, type Revision, revision } from '../store.ts'
import {
  decodeEntry,
  decodeLogRecord,
  historyKey,
  historyKeyParts,
  isIntact,
  keyOfBytes,
  numberBytes,
  numberOf,
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
    yield* inTurns(historyProblems(walk))
    yield* inTurns(logProblems(walk))
  } finally {
    transaction.done()
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

function* historyProblems({ tables, transaction, head, mark }: Walk): Generator<string | undefined, void, void> {
  let last: { readonly name: Key; readonly at: Revision } | undefined
  for (const found of tables.history.getKeys({ transaction })) {
    yield undefined
    const { key, at } = historyKeyParts(found)
    const name = keyOfBytes(key)
    if (at <= mark) continue // Forgotten; it is removed in the background.
    if (at > head) yield `${name} has history at ${at}, above head ${head}`
    const logged = tables.log.get(numberBytes(at), { transaction })
    const record = logged && decodeLogRecord(logged)
    if (!record?.key.equals(key)) {
      yield `the history of ${name} at ${at} is not in the log`
      continue
    }
    if (record.previous.byteLength > 0) {
      const { modRevision } = decodeEntry(name, record.previous)
      if (last?.name === name && modRevision !== last.at)
        yield `${name} was written at ${last.at}, but what stood there until ${at} is of ${modRevision}`
    }
    last = { name, at }
  }
}

function* logProblems(walk: Walk): Generator<string | undefined, void, void> {
  const { tables, transaction, head, mark } = walk
  let expected = mark + 1
  for (const { key, value } of tables.log.getRange({ start: numberBytes(mark + 1), transaction })) {
    yield undefined
    const at = revision(numberOf(key))
    if (at !== expected) yield `the log goes on with ${at} where ${expected} was due`
    expected = at + 1
    const record = decodeLogRecord(value)
    const name = keyOfBytes(record.key)
    if (record.previous.byteLength > 0) yield* entryProblems(name, record.previous, revision(at - 1))
    if (!tables.history.get(historyKey(record.key, at), { transaction }))
      yield `${name} was written at ${at}, but has no history there`
    yield* newestProblems(walk, { key: record.key, at })
  }
  if (expected !== head + 1) yield `the log ends before ${expected}, head is ${head}`
}

/** If this was the last change of the key, then the key must stand as it left it. */
function* newestProblems(
  { tables, transaction }: Walk,
  { key, at }: { key: Buffer; at: Revision },
): Generator<string, void, void> {
  const later = tables.history.getKeys({ start: historyKey(key, revision(at + 1)), limit: 1, transaction })
  for (const found of later) if (historyKeyParts(found).key.equals(key)) return
  const name = keyOfBytes(key)
  const current = tables.current.get(key, { transaction })
  if (current && decodeEntry(name, current).modRevision !== at)
    yield `${name} was last written at ${at}, but stands at ${decodeEntry(name, current).modRevision}`
}

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
