import { FormatError } from './format-error.ts'
import { RecordType } from './message.ts'

/** A run of bytes of the given length, a domain name, or whatever follows. */
export type DataPart = number | 'name' | 'rest'

/**
 * Where names lie in record data. Only these types may come compressed (RFC 3597 section 4), so only their data must be
 * understood to be copied. SRV is among them: RFC 2782 asks senders not to compress its target, but every receiver has to
 * understand it, and without it the answers of ten peers outgrow the 512 bytes of a plain UDP answer.
 */
const LAYOUTS = new Map<number, readonly DataPart[]>([
  [RecordType.NS, ['name']],
  [3, ['name']], // MD
  [4, ['name']], // MF
  [RecordType.CNAME, ['name']],
  [RecordType.SOA, ['name', 'name', 20]],
  [7, ['name']], // MB
  [8, ['name']], // MG
  [9, ['name']], // MR
  [RecordType.PTR, ['name']],
  [14, ['name', 'name']], // MINFO
  [RecordType.MX, [2, 'name']],
  [17, ['name', 'name']], // RP
  [18, [2, 'name']], // AFSDB
  [21, [2, 'name']], // RT
  [26, [2, 'name', 'name']], // PX
  [RecordType.SRV, [6, 'name']],
  [36, [2, 'name']], // KX
  [39, ['name']], // DNAME
])

const OPAQUE: readonly DataPart[] = ['rest']

export const dataLayoutOf = (type: number): readonly DataPart[] => LAYOUTS.get(type) ?? OPAQUE

/** Data of a fixed size is checked on the way in, so that nobody has to ask again. */
const SIZES = new Map<number, number>([
  [RecordType.A, 4],
  [RecordType.AAAA, 16],
])

export function checkDataSize(type: number, size: number): void {
  const expected = SIZES.get(type)
  if (expected !== undefined && size !== expected)
    throw new FormatError(`record of type ${type} has ${size} bytes of data`)
}
