/** Frames of SPDY/3.1, as Kubernetes streams use it: no flow control, headers in lower case. */
export const FrameType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const

export const FLAG_FIN = 0x01
const CONTROL_BIT = 0x8000
const VERSION = 3
const HEADER_BYTES = 8
export const ID_MASK = 0x7fffffff

export type Frame =
  | { readonly kind: 'data'; readonly streamId: number; readonly flags: number; readonly payload: Buffer }
  | { readonly kind: 'control'; readonly type: number; readonly flags: number; readonly payload: Buffer }

export function dataFrameHeader({
  streamId,
  flags,
  length,
}: {
  streamId: number
  flags: number
  length: number
}): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt32BE(streamId & ID_MASK, 0)
  header.writeUInt32BE((flags << 24) | length, 4)
  return header
}

export function controlFrame({ type, flags = 0, payload }: { type: number; flags?: number; payload: Buffer }): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt16BE(CONTROL_BIT | VERSION, 0)
  header.writeUInt16BE(type, 2)
  header.writeUInt32BE(((flags << 24) | payload.length) >>> 0, 4)
  return Buffer.concat([header, payload])
}

/** Cuts a byte stream into frames. */
export class FrameParser {
  readonly #chunks: Buffer[] = []
  #bytes = 0

  /** The frames that are complete with this chunk. */
  push(chunk: Buffer): readonly Frame[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    const frames: Frame[] = []
    for (;;) {
      const header = this.#peek(HEADER_BYTES)
      const length = header ? header.readUInt32BE(4) & 0xffffff : 0
      if (!header || this.#bytes < HEADER_BYTES + length) return frames
      frames.push(frameFrom(header, this.#take(HEADER_BYTES + length).subarray(HEADER_BYTES)))
    }
  }

  #peek(count: number): Buffer | undefined {
    if (this.#bytes < count) return undefined
    if (this.#chunks[0]!.length < count) this.#chunks.splice(0, this.#chunks.length, Buffer.concat(this.#chunks))
    return this.#chunks[0]!.subarray(0, count)
  }

  #take(count: number): Buffer {
    this.#bytes -= count
    const [first] = this.#chunks
    if (first!.length === count) return this.#chunks.shift()!
    if (first!.length > count) {
      this.#chunks[0] = first!.subarray(count)
      return first!.subarray(0, count)
    }
    const all = Buffer.concat(this.#chunks)
    this.#chunks.length = 0
    if (all.length > count) this.#chunks.push(all.subarray(count))
    return all.subarray(0, count)
  }
}

function frameFrom(header: Buffer, payload: Buffer): Frame {
  const flags = header[4]!
  if (header[0]! & 0x80) return { kind: 'control', type: header.readUInt16BE(2), flags, payload }
  return { kind: 'data', streamId: header.readUInt32BE(0) & ID_MASK, flags, payload }
}
