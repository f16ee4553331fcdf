import { constants, createInflate, type Inflate } from 'node:zlib'
import { SPDY_DICTIONARY } from './dictionary.ts'

export type Headers = Readonly<Record<string, string>>

const ZLIB_HEADER = Buffer.from([0x78, 0x01])
const STORED_BYTES_MAX = 0xffff
/** An empty block, as a flush ends in: readers hand on what came before it without waiting for the next block. */
const FLUSH = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff])

/**
 * Packs headers into the one zlib stream of a connection. They are stored, not compressed (RFC 1951, section 3.2.4):
 * the few that we send are short, and so packing needs neither a dictionary nor to wait for a compressor.
 */
export class HeaderPacker {
  #isFirst = true

  pack(headers: Headers): Buffer {
    const block = encoded(headers)
    const parts: Buffer[] = this.#isFirst ? [ZLIB_HEADER] : []
    this.#isFirst = false
    for (let at = 0; at < block.length; at += STORED_BYTES_MAX) {
      const piece = block.subarray(at, at + STORED_BYTES_MAX)
      const head = Buffer.alloc(5)
      head.writeUInt16LE(piece.length, 1)
      head.writeUInt16LE(~piece.length & 0xffff, 3)
      parts.push(head, piece)
    }
    return Buffer.concat([...parts, FLUSH])
  }
}

function encoded(headers: Headers): Buffer {
  const entries = Object.entries(headers)
  const parts: Buffer[] = [uint32(entries.length)]
  for (const [name, value] of entries) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text)
      parts.push(uint32(bytes.length), bytes)
    }
  }
  return Buffer.concat(parts)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** More than any client sends; a few bytes that unpack to more are an attack. */
const UNPACKED_BYTES_MAX = 1024 * 1024

/** Unpacks the header blocks of a connection, which share one zlib stream: in order, one at a time. */
export class HeaderUnpacker {
  readonly #inflate: Inflate = createInflate({ dictionary: SPDY_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH })
  #unpacked: Buffer[] = []
  #bytes = 0

  constructor() {
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#unpacked.push(chunk)
      this.#bytes += chunk.length
      if (this.#bytes > UNPACKED_BYTES_MAX) this.#inflate.destroy(new Error('a SPDY header block is too long'))
    })
    this.#inflate.on('error', () => {}) // Told to whoever waits for a block.
  }

  async unpack(block: Buffer): Promise<Headers> {
    this.#unpacked = []
    this.#bytes = 0
    await new Promise<void>((resolve, reject) => {
      this.#inflate.once('error', reject)
      this.#inflate.write(block, error => (error ? reject(error) : this.#flush(resolve)))
    }).finally(() => this.#inflate.removeAllListeners('error').on('error', () => {}))
    if (this.#bytes === 0) throw new Error('a SPDY header block is empty')
    return decoded(Buffer.concat(this.#unpacked))
  }

  #flush(done: () => void): void {
    this.#inflate.flush(constants.Z_SYNC_FLUSH, () => done())
  }

  close(): void {
    this.#inflate.close()
  }
}

/** Names are in lower case. Several values of one name are joined by commas. */
function decoded(bytes: Buffer): Headers {
  let at = 4
  const text = (): string => {
    const length = bytes.readUInt32BE(at)
    const value = bytes.subarray(at + 4, at + 4 + length).toString('utf8')
    at += 4 + length
    return value
  }
  const headers: Record<string, string> = {}
  for (let left = bytes.readUInt32BE(0); left > 0; left--) headers[text().toLowerCase()] = text().replaceAll('\0', ',')
  return headers
}
