import { crc32 } from 'node:zlib'
import { type Entry, type Key, type Revision, revision } from '../store.ts'

/**
 * What lies in the file. A change of any of it takes a new `FORMAT`.
 *
 * - `current`: key → entry, the newest of each live key
 * - `log`: revision → size of the key (2 bytes), key, what stood there until that revision: an entry, or nothing
 * - `history`: key, 0, revision → nothing; finds the place in the log. The values are in the log because it only grows
 *   at its end, where they cost a third of what they would between others.
 * - `expiries`: time, revision → key
 * - `meta`: `format`, `head`, `mark` → a number
 *
 * An entry is its create revision (8 bytes), modification revision (8), version (4), CRC-32 of key and value (4), value.
 * All numbers are big-endian, so that they sort.
 */
export const FORMAT = 1

const ENTRY_HEADER_BYTES = 24
const TWO_TO_32 = 2 ** 32

export const keyBytes = (key: Key): Buffer => Buffer.from(key, 'utf8')

export const keyOfBytes = (bytes: Buffer): Key => bytes.toString('utf8')

export function encodeEntry(entry: Entry): Buffer {
  const { value } = entry
  const bytes = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + value.byteLength)
  writeNumber(bytes, entry.createRevision, 0)
  writeNumber(bytes, entry.modRevision, 8)
  bytes.writeUInt32BE(entry.version, 16)
  bytes.writeUInt32BE(checksumOf(entry), 20)
  bytes.set(value, ENTRY_HEADER_BYTES)
  return bytes
}

export const decodeEntry = (key: Key, bytes: Buffer): Entry => ({
  key,
  value: bytes.subarray(ENTRY_HEADER_BYTES),
  createRevision: revision(readNumber(bytes, 0)),
  modRevision: revision(readNumber(bytes, 8)),
  version: bytes.readUInt32BE(16),
})

/** Whether `bytes` are an entry that was written for `key`. */
export const isIntact = (key: Key, bytes: Buffer): boolean =>
  bytes.byteLength >= ENTRY_HEADER_BYTES && bytes.readUInt32BE(20) === checksumOf(decodeEntry(key, bytes))

const checksumOf = ({ key, value }: Entry): number => crc32(value, crc32(key))

/** Where the history of `key` from `from` on begins; with a revision that was written, its place. */
export function historyKey(key: Buffer, from: Revision): Buffer {
  const bytes = Buffer.allocUnsafe(key.byteLength + 9)
  key.copy(bytes)
  bytes[key.byteLength] = 0
  writeNumber(bytes, from, key.byteLength + 1)
  return bytes
}

/** Keys hold no zero byte, so this comes after all history of `key` and before every key that follows it. */
export const afterHistoryOf = (key: Buffer): Buffer => Buffer.concat([key, Buffer.of(1)])

export const historyKeyParts = (bytes: Buffer): { key: Buffer; at: Revision } => ({
  key: bytes.subarray(0, -9),
  at: revision(readNumber(bytes, bytes.byteLength - 8)),
})

export interface LogRecord {
  readonly key: Buffer
  /** The bytes of an entry, or none. */
  readonly previous: Buffer
}

export const encodeLogRecord = ({ key, previous }: LogRecord): Buffer =>
  Buffer.concat([Buffer.of(key.byteLength >> 8, key.byteLength & 0xff), key, previous])

export function decodeLogRecord(bytes: Buffer): LogRecord {
  const keyEnd = 2 + bytes.readUInt16BE(0)
  return { key: bytes.subarray(2, keyEnd), previous: bytes.subarray(keyEnd) }
}

export function numberBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  writeNumber(bytes, value, 0)
  return bytes
}

export const numberOf = (bytes: Buffer): number => readNumber(bytes, 0)

export function expiryKey(atMs: number, modRevision: Revision): Buffer {
  const bytes = Buffer.allocUnsafe(16)
  writeNumber(bytes, atMs, 0)
  writeNumber(bytes, modRevision, 8)
  return bytes
}

export const expiryKeyParts = (bytes: Buffer): { atMs: number; modRevision: Revision } => ({
  atMs: readNumber(bytes, 0),
  modRevision: revision(readNumber(bytes, 8)),
})

function writeNumber(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32BE(Math.floor(value / TWO_TO_32), offset)
  bytes.writeUInt32BE(value % TWO_TO_32, offset + 4)
}

const readNumber = (bytes: Buffer, offset: number): number =>
  bytes.readUInt32BE(offset) * TWO_TO_32 + bytes.readUInt32BE(offset + 4)
