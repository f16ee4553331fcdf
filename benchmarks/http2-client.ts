/**
 * A client for HTTP/2 that costs little beside the server it measures: it frames by itself, asks for headers without a
 * dynamic table, and reads of an answer its status and its bytes. Answers may be cut anywhere; nothing else is checked.
 */
import { connect, type TLSSocket } from 'node:tls'

export interface Target {
  readonly url: string
  readonly tls: { ca?: string; cert?: string; key?: string }
  readonly token?: string
}

export interface Answer {
  readonly code: number
  readonly bytes: number
}

interface Receiver {
  code: number
  bytes: number
  readonly onHead?: () => void
  readonly onData?: (piece: Buffer) => void
  readonly onEnd: (answer: Answer) => void
  readonly onError: (error: Error) => void
}

const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const
const END_STREAM = 1
const END_HEADERS = 4
const ACKNOWLEDGED = 1
const HEAD_BYTES = 9
const WINDOW_BYTES_MAX = 2 ** 31 - 1
/** What a peer grants before it says otherwise (RFC 9113, section 6.9.2). */
const WINDOW_BYTES = 65_535
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  bytes.set(payload, HEAD_BYTES)
  return bytes
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const setting = (id: number, value: number): Buffer => Buffer.concat([Buffer.of(0, id), uint32(value)])

/** One text as HPACK has it: its length in a prefix of seven bits, not compressed (RFC 7541, section 5.2). */
function packedText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([packedInteger(bytes.length, 7, 0), bytes])
}

function packedInteger(value: number, prefixBits: number, flags: number): Buffer {
  const max = 2 ** prefixBits - 1
  if (value < max) return Buffer.of(flags | value)
  const bytes = [flags | max]
  let rest = value - max
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}

/** A header without indexing; its name from the static table, or written out. */
const packedHeader = (name: number | string, value: string): Buffer =>
  typeof name === 'number'
    ? Buffer.concat([packedInteger(name, 4, 0), packedText(value)])
    : Buffer.concat([Buffer.of(0), packedText(name), packedText(value)])

const STATIC = { authority: 1, method: 2, path: 4, accept: 19, authorization: 23, contentType: 31 } as const
const METHODS: { readonly [method: string]: Buffer } = { GET: Buffer.of(0x82), POST: Buffer.of(0x83) }
const SCHEME_HTTPS = Buffer.of(0x87)
const STATUSES = [200, 204, 206, 304, 400, 404, 500]
const HUFFMAN = 0x80

/** The status stands first in a head. Without a dynamic table it is of the static one, or three digits. */
function statusIn(head: Buffer): number {
  let at = 0
  while ((head[at]! & 0xe0) === 0x20) at++ // The size of the dynamic table, which is 0.
  const first = head[at]!
  if (first & 0x80) return STATUSES[(first & 0x7f) - 8] ?? Number.NaN
  const length = head[at + 1]!
  if (!(length & HUFFMAN)) return Number(head.toString('latin1', at + 2, at + 5))
  return Number(huffmanDigits(head.subarray(at + 2, at + 2 + (length & 0x7f))))
}

/** `0` to `2` have codes of five bits, the other digits of six (RFC 7541, appendix B). */
function huffmanDigits(bytes: Buffer): string {
  const bits = Array.from(bytes, byte => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  for (let at = 0; digits.length < 3; ) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2)
    digits += five <= 2 ? five : Number.parseInt(bits.slice(at, at + 6), 2) - 0x16
    at += five <= 2 ? 5 : 6
  }
  return digits
}

export class Http2Client {
  readonly #socket: TLSSocket
  readonly #authority: Buffer
  readonly #token: string | undefined
  readonly #receivers = new Map<number, Receiver>()
  readonly #fixed = new Map<string, readonly [Buffer, Buffer]>()
  #nextStream = 1
  #windowBytes = WINDOW_BYTES
  #delayed: Buffer[] = []
  #rest: Buffer | undefined
  #isClosed = false

  constructor({ url, tls, token }: Target) {
    const { hostname, port, host } = new URL(url)
    this.#authority = packedHeader(STATIC.authority, host)
    this.#token = token
    this.#socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port),
      ALPNProtocols: ['h2'],
      ...tls,
    })
    this.#socket.setNoDelay(true)
    this.#socket.on('data', piece => this.#receive(piece))
    this.#socket.on('error', error => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection')))
    const settings = [setting(1, 0), setting(2, 0), setting(4, WINDOW_BYTES_MAX)]
    const grown = uint32(WINDOW_BYTES_MAX - WINDOW_BYTES)
    this.#socket.write(
      Buffer.concat([
        PREFACE,
        frame(FRAME.settings, 0, 0, Buffer.concat(settings)),
        frame(FRAME.windowUpdate, 0, 0, grown),
      ]),
    )
  }

  request(method: string, path: string, body?: string): Promise<Answer> {
    return new Promise((onEnd, onError) => this.#send({ code: 0, bytes: 0, onEnd, onError }, method, path, body))
  }

  /** Resolves with the head; after it `onData` gets what comes until the connection ends. */
  watch(path: string, onData: (piece: Buffer) => void): Promise<void> {
    return new Promise((resolve, onError) => {
      this.#send({ code: 0, bytes: 0, onHead: resolve, onData, onEnd: () => {}, onError }, 'GET', path)
    })
  }

  destroy(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #send(receiver: Receiver, method: string, path: string, body?: string): void {
    const stream = this.#nextStream
    this.#nextStream += 2
    this.#receivers.set(stream, receiver)
    const [target, rest] = this.#fixedHead(method)
    const head = Buffer.concat([target, packedHeader(STATIC.path, path), rest])
    const headers = frame(FRAME.headers, END_HEADERS | (body === undefined ? END_STREAM : 0), stream, head)
    if (body === undefined) return void this.#socket.write(headers)
    const data = frame(FRAME.data, END_STREAM, stream, Buffer.from(body))
    this.#socket.write(Buffer.concat([headers, ...this.#granted(data)]))
  }

  /** Bodies are small, so only the window of the whole connection can run out. */
  #granted(data: Buffer): Buffer[] {
    const length = data.length - HEAD_BYTES
    if (this.#delayed.length > 0 || length > this.#windowBytes) {
      this.#delayed.push(data)
      return []
    }
    this.#windowBytes -= length
    return [data]
  }

  /** What stands before and behind the path, which is the last that tells of the target. */
  #fixedHead(method: string): readonly [Buffer, Buffer] {
    const known = this.#fixed.get(method)
    if (known) return known
    const target = [METHODS[method] ?? packedHeader(STATIC.method, method), SCHEME_HTTPS, this.#authority]
    const rest = [packedHeader(STATIC.accept, 'application/json')]
    if (method !== 'GET') rest.push(packedHeader(STATIC.contentType, 'application/json'))
    if (this.#token) rest.push(packedHeader(STATIC.authorization, `Bearer ${this.#token}`))
    const fixed = [Buffer.concat(target), Buffer.concat(rest)] as const
    this.#fixed.set(method, fixed)
    return fixed
  }

  #receive(piece: Buffer): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, piece]) : piece
    let at = 0
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUIntBE(at, 3)
      const end = at + HEAD_BYTES + length
      if (end > bytes.length) break
      this.#take(bytes[at + 3]!, bytes[at + 4]!, bytes.readUInt32BE(at + 5), bytes.subarray(at + HEAD_BYTES, end))
      at = end
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    const isAcknowledgement = (flags & ACKNOWLEDGED) !== 0
    if (type === FRAME.headers || type === FRAME.data) this.#answer(type, flags, stream, payload)
    else if (type === FRAME.settings && !isAcknowledgement) this.#acknowledge(FRAME.settings, Buffer.alloc(0))
    else if (type === FRAME.ping && !isAcknowledgement) this.#acknowledge(FRAME.ping, payload)
    else if (type === FRAME.windowUpdate && stream === 0) this.#grant(payload.readUInt32BE())
    else if (type === FRAME.reset)
      this.#failOne(stream, new Error(`the stream was reset with ${payload.readUInt32BE()}`))
    else if (type === FRAME.goAway) this.#fail(new Error(`the server goes away with ${payload.readUInt32BE(4)}`))
  }

  #acknowledge(type: number, payload: Buffer): void {
    this.#socket.write(frame(type, ACKNOWLEDGED, 0, payload))
  }

  #answer(type: number, flags: number, stream: number, payload: Buffer): void {
    const receiver = this.#receivers.get(stream)
    if (!receiver) return
    if (type === FRAME.headers) {
      receiver.code ||= statusIn(payload)
      receiver.onHead?.()
    } else {
      receiver.bytes += payload.length
      receiver.onData?.(payload)
    }
    if (!(flags & END_STREAM)) return
    this.#receivers.delete(stream)
    receiver.onEnd(receiver)
  }

  #grant(bytes: number): void {
    this.#windowBytes += bytes
    const delayed = this.#delayed
    this.#delayed = []
    for (const data of delayed) for (const granted of this.#granted(data)) this.#socket.write(granted)
  }

  #failOne(stream: number, error: Error): void {
    this.#receivers.get(stream)?.onError(error)
    this.#receivers.delete(stream)
  }

  #fail(error: Error): void {
    if (this.#isClosed) return
    for (const stream of [...this.#receivers.keys()]) this.#failOne(stream, error)
  }
}
