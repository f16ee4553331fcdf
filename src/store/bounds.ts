import {
  type Create,
  type Delete,
  KEY_BYTES_MAX,
  type Key,
  type KeyRange,
  type Revision,
  StoreError,
  type Update,
  VALUE_BYTES_MAX,
} from './store.ts'

/** Throws `invalid` for a write that no driver accepts. Every driver calls this first, so all refuse the same. */
export function checkWrite(write: Create | Update | Delete): void {
  checkKey(write.key)
  if (write.type !== 'create') checkRevision(write.ifRevision, 'ifRevision')
  if (write.type === 'delete') return
  if (write.value.byteLength > VALUE_BYTES_MAX)
    throw invalid(`a value has at most ${VALUE_BYTES_MAX} bytes; that of ${write.key} has ${write.value.byteLength}`)
  if (write.ttlMs !== undefined && !(Number.isSafeInteger(write.ttlMs) && write.ttlMs > 0))
    throw invalid(`ttlMs is a whole number of milliseconds above 0; that of ${write.key} is ${write.ttlMs}`)
}

export function checkKey(key: Key): void {
  if (key === '') throw invalid('a key has at least one character')
  checkText(key)
  // One UTF-16 unit becomes at most three bytes, so a short key needs no counting.
  if (key.length * 3 > KEY_BYTES_MAX && Buffer.byteLength(key) > KEY_BYTES_MAX)
    throw invalid(
      `a key has at most ${KEY_BYTES_MAX} bytes of UTF-8; ${key.slice(0, 64)}… has ${Buffer.byteLength(key)}`,
    )
  if (key.includes('\0')) throw invalid(`a key has no U+0000; ${JSON.stringify(key)} does`)
}

export function checkRange(range: KeyRange): void {
  checkText(range.start)
  checkText(range.end)
}

export function checkRevision(value: Revision, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${name} is a whole number from 0; it is ${value}`)
}

export function checkLimit(limit: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1) throw invalid(`limit is a whole number from 1; it is ${limit}`)
}

/** Throws unless `mark` ≤ `at` ≤ `head`. */
export function checkReadable(at: Revision, { mark, head }: { mark: Revision; head: Revision }): void {
  if (at < mark) throw compacted(at, mark)
  if (at > head) throw future(at, head)
}

export const compacted = (at: Revision, mark: Revision): StoreError =>
  new StoreError('compacted', `revision ${at} was forgotten; history begins at ${mark}`)

export const future = (at: Revision, head: Revision): StoreError =>
  new StoreError('future', `revision ${at} has not happened yet; the last is ${head}`)

export const closed = (): StoreError => new StoreError('closed', 'the store is closed')

const invalid = (message: string): StoreError => new StoreError('invalid', message)

function checkText(text: string): void {
  if (!text.isWellFormed()) throw invalid(`a key is well-formed Unicode; ${JSON.stringify(text)} is not`)
}
