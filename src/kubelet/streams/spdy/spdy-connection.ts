import { Duplex } from 'node:stream'
import { controlFrame, dataFrameHeader, FLAG_FIN, type Frame, FrameParser, FrameType, ID_MASK } from './frames.ts'
import { HeaderPacker, type Headers, HeaderUnpacker } from './header-block.ts'

const DATA_BYTES_MAX = 0xff_ffff
const RST_CANCEL = 5
const RST_PROTOCOL_ERROR = 1

export interface SpdyOptions {
  /** Who opened the connection has odd stream ids. */
  readonly role: 'client' | 'server'
  /** A stream that the other side opens; it is accepted by the time this is called. */
  readonly onStream?: (stream: SpdyStream) => void
}

/**
 * One SPDY/3.1 connection over any duplex stream, as exec, attach and port-forward of Kubernetes use it. Back-pressure is
 * that of the connection: while a reader of one stream does not keep up, nothing more is read.
 */
export class SpdyConnection {
  readonly #socket: Duplex
  readonly #options: SpdyOptions
  readonly #streams = new Map<number, SpdyStream>()
  readonly #replies = new Map<number, () => void>()
  readonly #packer = new HeaderPacker()
  readonly #unpacker = new HeaderUnpacker()
  #nextId: number
  #isOver = false
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>

  constructor(socket: Duplex, options: SpdyOptions) {
    this.#socket = socket
    this.#options = options
    this.#nextId = options.role === 'client' ? 1 : 2
    socket.on('error', () => {}) // Seen by the reader below, which ends with it.
    this.closed = this.#read().finally(() => this.#end())
  }

  /** Opens a stream. Resolves when the other side has accepted it. */
  open(headers: Headers): Promise<SpdyStream> {
    if (this.#isOver) return Promise.reject(new Error('the connection is closed'))
    const id = this.#nextId
    this.#nextId += 2
    const stream = this.#newStream(id, headers)
    const head = Buffer.alloc(10)
    head.writeUInt32BE(id, 0)
    const payload = Buffer.concat([head, this.#packer.pack(headers)])
    this.#socket.write(controlFrame({ type: FrameType.synStream, payload }))
    return new Promise((resolve, reject) => {
      this.#replies.set(id, () => resolve(stream))
      stream.once('close', () => reject(new Error('the stream was refused')))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Ends the connection once everything written has gone out. */
  finish(): void {
    const payload = Buffer.alloc(8)
    this.#socket.end(controlFrame({ type: FrameType.goAway, payload }))
  }

  async #read(): Promise<void> {
    const parser = new FrameParser()
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        for (const frame of parser.push(chunk)) await this.#handle(frame)
      }
    } catch {
      // The connection broke, or the other side does not speak SPDY: either way it is over.
    }
  }

  #end(): void {
    this.#isOver = true
    for (const stream of this.#streams.values()) stream.connectionLost()
    this.#streams.clear()
    this.#unpacker.close()
    this.#socket.destroy()
  }

  async #handle(frame: Frame): Promise<void> {
    if (frame.kind === 'data') return this.#handleData(frame)
    const { type, payload, flags } = frame
    switch (type) {
      case FrameType.synStream:
        return this.#accept(payload.readUInt32BE(0) & ID_MASK, await this.#unpacker.unpack(payload.subarray(10)), flags)
      case FrameType.synReply: {
        await this.#unpacker.unpack(payload.subarray(4))
        const id = payload.readUInt32BE(0) & ID_MASK
        this.#replies.get(id)?.()
        this.#replies.delete(id)
        if (flags & FLAG_FIN) await this.#streams.get(id)?.receive(Buffer.alloc(0), true)
        return
      }
      case FrameType.headers:
        await this.#unpacker.unpack(payload.subarray(4)) // Later headers mean nothing here, but share the zlib stream.
        return
      case FrameType.rstStream:
        this.#streams.get(payload.readUInt32BE(0) & ID_MASK)?.connectionLost()
        return
      case FrameType.ping:
        this.#answerPing(payload)
        return
      default: // Settings, windows and farewells change nothing for us.
    }
  }

  async #handleData({ streamId, flags, payload }: Extract<Frame, { kind: 'data' }>): Promise<void> {
    const stream = this.#streams.get(streamId)
    if (stream) await stream.receive(payload, (flags & FLAG_FIN) !== 0)
    else this.#reset(streamId, RST_PROTOCOL_ERROR)
  }

  #accept(id: number, headers: Headers, flags: number): void {
    const stream = this.#newStream(id, headers)
    const head = Buffer.alloc(4)
    head.writeUInt32BE(id, 0)
    this.#socket.write(
      controlFrame({ type: FrameType.synReply, payload: Buffer.concat([head, this.#packer.pack({})]) }),
    )
    if (flags & FLAG_FIN) void stream.receive(Buffer.alloc(0), true)
    this.#options.onStream?.(stream)
  }

  /** Pings of our own are never sent; those of the other side have its parity. */
  #answerPing(payload: Buffer): void {
    const isTheirs = payload.readUInt32BE(0) % 2 === (this.#options.role === 'client' ? 0 : 1)
    if (isTheirs) this.#socket.write(controlFrame({ type: FrameType.ping, payload }))
  }

  #newStream(id: number, headers: Headers): SpdyStream {
    const stream = new SpdyStream(headers, {
      send: (chunk, done) => this.#send(id, { chunk, done, isLast: false }),
      finish: done => this.#send(id, { chunk: Buffer.alloc(0), done, isLast: true }),
      forget: isClean => {
        if (this.#streams.delete(id) && !isClean) this.#reset(id, RST_CANCEL)
      },
    })
    this.#streams.set(id, stream)
    return stream
  }

  #reset(id: number, status: number): void {
    const payload = Buffer.alloc(8)
    payload.writeUInt32BE(id, 0)
    payload.writeUInt32BE(status, 4)
    if (this.#socket.writable) this.#socket.write(controlFrame({ type: FrameType.rstStream, payload }))
  }

  #send(
    streamId: number,
    { chunk, done, isLast }: { chunk: Buffer; done: (error?: Error | null) => void; isLast: boolean },
  ): void {
    if (!this.#socket.writable) {
      done(new Error('the connection is closed'))
      return
    }
    this.#socket.cork()
    let at = 0
    for (; chunk.length - at > DATA_BYTES_MAX; at += DATA_BYTES_MAX) {
      this.#socket.write(dataFrameHeader({ streamId, flags: 0, length: DATA_BYTES_MAX }))
      this.#socket.write(chunk.subarray(at, at + DATA_BYTES_MAX))
    }
    const rest = chunk.subarray(at)
    const header = dataFrameHeader({ streamId, flags: isLast ? FLAG_FIN : 0, length: rest.length })
    let hasRoom = this.#socket.write(header)
    if (rest.length > 0) hasRoom = this.#socket.write(rest)
    this.#socket.uncork()
    if (hasRoom) done()
    else this.#afterDrain(done)
  }

  #afterDrain(done: (error?: Error | null) => void): void {
    const finish = (error?: Error): void => {
      this.#socket.off('drain', drained)
      this.#socket.off('close', lost)
      done(error)
    }
    const drained = (): void => finish()
    const lost = (): void => finish(new Error('the connection was closed'))
    this.#socket.once('drain', drained)
    this.#socket.once('close', lost)
  }
}

interface Carrier {
  send(chunk: Buffer, done: (error?: Error | null) => void): void
  finish(done: (error?: Error | null) => void): void
  forget(isClean: boolean): void
}

/** One stream of a SPDY connection. Each way ends by itself. */
export class SpdyStream extends Duplex {
  readonly headers: Headers
  readonly #carrier: Carrier
  #resume: (() => void) | undefined
  #hasEnded = false

  constructor(headers: Headers, carrier: Carrier) {
    super({ allowHalfOpen: true })
    this.headers = headers
    this.#carrier = carrier
    this.on('error', () => {}) // A broken connection ends the stream; its users see the end.
  }

  /** Resolves when there is room for more. */
  receive(payload: Buffer, isLast: boolean): Promise<void> {
    let hasRoom = true
    if (payload.length > 0 && !this.#hasEnded && !this.destroyed) hasRoom = this.push(payload)
    if (isLast && !this.#hasEnded) {
      this.#hasEnded = true
      this.push(null)
      return Promise.resolve()
    }
    if (hasRoom || this.destroyed) return Promise.resolve()
    return new Promise(resolve => {
      this.#resume = resolve
    })
  }

  /** What was received is still read. */
  connectionLost(): void {
    if (!this.#hasEnded) {
      this.#hasEnded = true
      this.push(null)
    }
    this.#goOn()
    if (this.readableEnded) this.destroy()
    else this.once('end', () => this.destroy())
  }

  override _read(): void {
    this.#goOn()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#carrier.send(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#carrier.finish(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#goOn()
    this.#carrier.forget(this.#hasEnded && this.writableFinished)
    done(error)
  }

  #goOn(): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }
}
