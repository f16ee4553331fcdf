import { HEADER_BYTES } from './decode.ts'
import { FormatError } from './format-error.ts'
import { type Edns, type Message, RecordType, type ResourceRecord } from './message.ts'
import { foldedName, labelsOf, nameOf, readLabels } from './name.ts'
import { dataLayoutOf } from './record-data.ts'

const MESSAGE_BYTES_MAX = 65_535
/** Compression pointers have fourteen bits. */
const POINTER_TARGET_MAX = 0x3fff
const OPT_BYTES = 11

/**
 * Writes a message of at most `bytesMax`, names compressed. Answers and authority that do not fit are left out record by
 * record and the message is marked truncated; additional records go silently (RFC 2181 section 9).
 */
export function encodeMessage(
  message: Message,
  { bytesMax }: { bytesMax: number } = { bytesMax: MESSAGE_BYTES_MAX },
): Buffer {
  const { edns } = message
  const writer = new MessageWriter(bytesMax - (edns ? OPT_BYTES : 0))
  for (const { name, type, class: questionClass } of message.questions) {
    if (!writer.tryQuestion(name, type, questionClass)) throw new FormatError('the questions alone do not fit')
  }
  const answers = writer.tryRecords(message.answers)
  const isWhole = answers === message.answers.length
  const authority = isWhole ? writer.tryRecords(message.authority) : 0
  const truncated = message.truncated || !isWhole || authority < message.authority.length
  const additional = truncated ? 0 : writer.tryRecords(message.additional)
  if (edns) writer.opt(edns, message.rcode)
  return writer.finish({ ...message, truncated }, [
    message.questions.length,
    answers,
    authority,
    additional + (edns ? 1 : 0),
  ])
}

class MessageWriter {
  readonly #bytes: Buffer
  /** Where each name, by its folded presentation form, was written. */
  readonly #written = new Map<string, number>()
  #limit: number
  #end = HEADER_BYTES

  constructor(limit: number) {
    this.#limit = limit
    this.#bytes = Buffer.allocUnsafe(limit + OPT_BYTES)
  }

  tryQuestion(name: string, type: number, questionClass: number): boolean {
    return this.#attempt(() => {
      this.#name(labelsOf(name))
      this.#uint16(type)
      this.#uint16(questionClass)
    })
  }

  /** How many of them, from the first on, found room. */
  tryRecords(records: readonly ResourceRecord[]): number {
    for (const [index, record] of records.entries()) if (!this.#attempt(() => this.#record(record))) return index
    return records.length
  }

  opt({ udpSize, version, dnssecOk }: Edns, rcode: number): void {
    this.#limit += OPT_BYTES
    this.#room(OPT_BYTES)
    this.#bytes[this.#end++] = 0
    this.#uint16(RecordType.OPT)
    this.#uint16(udpSize)
    this.#bytes.writeUInt32BE((((rcode >> 4) << 24) | (version << 16) | (dnssecOk ? 0x8000 : 0)) >>> 0, this.#end)
    this.#end += 4
    this.#uint16(0)
  }

  finish(message: Message, counts: readonly number[]): Buffer {
    this.#bytes.writeUInt16BE(message.id, 0)
    this.#bytes.writeUInt16BE(flagBitsOf(message), 2)
    for (const [index, count] of counts.entries()) this.#bytes.writeUInt16BE(count, 4 + 2 * index)
    return this.#bytes.subarray(0, this.#end)
  }

  /** Undoes what `write` wrote when there was no room for all of it. */
  #attempt(write: () => void): boolean {
    const start = this.#end
    try {
      write()
      return true
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error
      this.#end = start
      for (const [name, offset] of this.#written) if (offset >= start) this.#written.delete(name)
      return false
    }
  }

  #record({ name, type, class: recordClass, ttl, data }: ResourceRecord): void {
    this.#name(labelsOf(name))
    this.#room(10)
    this.#uint16(type)
    this.#uint16(recordClass)
    this.#bytes.writeUInt32BE(ttl >>> 0, this.#end)
    this.#end += 4
    const sizeAt = this.#end
    this.#end += 2
    this.#data(type, Buffer.from(data.buffer, data.byteOffset, data.byteLength))
    this.#bytes.writeUInt16BE(this.#end - sizeAt - 2, sizeAt)
  }

  #data(type: number, data: Buffer): void {
    let offset = 0
    for (const part of data.length === 0 ? [] : dataLayoutOf(type)) {
      if (part === 'name') {
        const { labels, end } = readLabels(data, offset)
        this.#name(labels)
        offset = end
      } else {
        const end = part === 'rest' ? data.length : offset + part
        this.#room(end - offset)
        this.#end += data.copy(this.#bytes, this.#end, offset, end)
        offset = end
      }
    }
  }

  #name(labels: readonly string[]): void {
    for (let index = 0; index < labels.length; index++) {
      const suffix = foldedName(nameOf(labels.slice(index)))
      const target = this.#written.get(suffix)
      if (target !== undefined) {
        this.#room(2)
        this.#uint16(0xc000 | target)
        return
      }
      if (this.#end <= POINTER_TARGET_MAX) this.#written.set(suffix, this.#end)
      const label = labels[index]!
      this.#room(label.length + 1)
      this.#bytes[this.#end] = label.length
      this.#end += 1 + this.#bytes.write(label, this.#end + 1, 'latin1')
    }
    this.#room(1)
    this.#bytes[this.#end++] = 0
  }

  #uint16(value: number): void {
    this.#room(2)
    this.#end = this.#bytes.writeUInt16BE(value, this.#end)
  }

  #room(size: number): void {
    if (this.#end + size > this.#limit) throw new NoRoom()
  }
}

/** Private to the writer: says that the record at hand has to go. */
class NoRoom extends Error {}

const flagBitsOf = (message: Message): number =>
  (message.response ? 0x8000 : 0) |
  ((message.opcode & 0xf) << 11) |
  (message.authoritative ? 0x0400 : 0) |
  (message.truncated ? 0x0200 : 0) |
  (message.recursionDesired ? 0x0100 : 0) |
  (message.recursionAvailable ? 0x0080 : 0) |
  (message.authenticData ? 0x0020 : 0) |
  (message.checkingDisabled ? 0x0010 : 0) |
  (message.rcode & 0xf)
