import { crc32 } from 'node:zlib'
import { type Change, type Entry, type Key, type Revision, revision } from '../store.ts'

/**
 * What lies in the file. A change of any of it takes a new `FORMAT`.
 *
 * - `current`: key → entry, the newest of each live key
 * - `log`: revision, key → 1 if the key was deleted, else 0 (1 byte); what stood there until then: an entry, or nothing
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

export function encodeLogged(type: Change['type'], previous: Entry | undefined): Buffer {
  const kind = Buffer.of(type === 'delete' ? 1 : 0)
  return previous ? Buffer.concat([kind, encodeEntry(previous)]) : kind
}

/** The bytes of an entry, if anything stood there. */
export const previousIn = (logged: Buffer): Buffer | undefined =>
  logged.byteLength > 1 ? logged.subarray(1) : undefined

export const isDeletion = (logged: Buffer): boolean => logged[0] === 1

export function logKey(at: Revision, key: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(8 + key.byteLength)
  writeNumber(bytes, at, 0)
  key.copy(bytes, 8)
  return bytes
}

export const logKeyParts = (bytes: Buffer): { at: Revision; key: Key } => ({
  at: revision(readNumber(bytes, 0)),
  key: keyOfBytes(bytes.subarray(8)),
})

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
