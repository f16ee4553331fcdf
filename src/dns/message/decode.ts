import { FormatError } from './format-error.ts'
import { type Edns, type Message, type Question, RecordType, type ResourceRecord } from './message.ts'
import { nameOf, readLabels } from './name.ts'
import { checkDataSize, dataLayoutOf } from './record-data.ts'

export const HEADER_BYTES = 12

/** Reads a whole message. Throws `FormatError` on anything that is not one, and never reads past it. */
export function decodeMessage(packet: Uint8Array): Message {
  const reader = new MessageReader(packet)
  if (reader.bytes.length < HEADER_BYTES) throw new FormatError('shorter than a header')
  const [id, flags, ...counts] = [0, 2, 4, 6, 8, 10].map(offset => reader.bytes.readUInt16BE(offset))
  const questions = times(counts[0]!, () => reader.question())
  const answers = times(counts[1]!, () => reader.record())
  const authority = times(counts[2]!, () => reader.record())
  const additional = times(counts[3]!, () => reader.record())
  const opt = optAmong(additional, [...answers, ...authority])
  return {
    id: id!,
    ...flagsOf(flags!),
    rcode: (flags! & 0xf) | (opt ? (opt.ttl >>> 24) << 4 : 0),
    questions,
    answers,
    authority,
    additional: additional.filter(record => record !== opt),
    ...(opt && { edns: ednsOf(opt) }),
  }
}

const flagsOf = (flags: number) => ({
  response: (flags & 0x8000) !== 0,
  opcode: (flags >> 11) & 0xf,
  authoritative: (flags & 0x0400) !== 0,
  truncated: (flags & 0x0200) !== 0,
  recursionDesired: (flags & 0x0100) !== 0,
  recursionAvailable: (flags & 0x0080) !== 0,
  authenticData: (flags & 0x0020) !== 0,
  checkingDisabled: (flags & 0x0010) !== 0,
})

/** Counts are claims: reading stops at the first item that is not there. */
function times<T>(count: number, read: () => T): T[] {
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(read())
  return items
}

function optAmong(
  additional: readonly ResourceRecord[],
  elsewhere: readonly ResourceRecord[],
): ResourceRecord | undefined {
  const isOpt = ({ type }: ResourceRecord): boolean => type === RecordType.OPT
  const opts = additional.filter(isOpt)
  if (opts.length > 1 || elsewhere.some(isOpt)) throw new FormatError('more than one OPT record, or one out of place')
  if (opts[0] && opts[0].name !== '') throw new FormatError('an OPT record that is not at the root')
  return opts[0]
}

const ednsOf = ({ class: udpSize, ttl }: ResourceRecord): Edns => ({
  udpSize,
  version: (ttl >>> 16) & 0xff,
  dnssecOk: (ttl & 0x8000) !== 0,
})

class MessageReader {
  readonly bytes: Buffer
  #offset = HEADER_BYTES

  constructor(packet: Uint8Array) {
    this.bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength)
  }

  question(): Question {
    const name = this.#name()
    const at = this.#take(4)
    return { name, type: this.bytes.readUInt16BE(at), class: this.bytes.readUInt16BE(at + 2) }
  }

  record(): ResourceRecord {
    const name = this.#name()
    const at = this.#take(10)
    const type = this.bytes.readUInt16BE(at)
    const size = this.bytes.readUInt16BE(at + 8)
    const data = this.#data(type, this.#take(size), size)
    return { name, type, class: this.bytes.readUInt16BE(at + 2), ttl: this.bytes.readUInt32BE(at + 4), data }
  }

  #name(): string {
    const { labels, end } = readLabels(this.bytes, this.#offset)
    this.#offset = end
    return nameOf(labels)
  }

  #take(size: number): number {
    const start = this.#offset
    if (start + size > this.bytes.length) throw new FormatError('a record runs past the end')
    this.#offset = start + size
    return start
  }

  /** The data with every name in it written out. */
  #data(type: number, start: number, size: number): Uint8Array {
    checkDataSize(type, size)
    const layout = dataLayoutOf(type)
    const end = start + size
    if (layout[0] === 'rest' || size === 0) return Uint8Array.prototype.slice.call(this.bytes, start, end)
    const parts: Buffer[] = []
    let offset = start
    for (const part of layout) {
      if (part === 'name') {
        const { labels, end: nameEnd } = readLabels(this.bytes, offset)
        parts.push(wireNameOf(labels))
        offset = nameEnd
      } else {
        const bytes = part === 'rest' ? end - offset : part
        parts.push(this.bytes.subarray(offset, offset + bytes))
        offset += bytes
      }
      if (offset > end) throw new FormatError('record data runs past its length')
    }
    if (offset !== end) throw new FormatError('record data is longer than its fields')
    return Buffer.concat(parts)
  }
}

const wireNameOf = (labels: readonly string[]): Buffer =>
  Buffer.from(`${labels.map(label => String.fromCharCode(label.length) + label).join('')}\0`, 'latin1')
