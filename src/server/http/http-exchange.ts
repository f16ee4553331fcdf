import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { Clock } from '../../machinery/clock.ts'
import type { Exchange, Peer, ReplyHead } from './exchange.ts'

const NO_QUERY = new URLSearchParams()

/** The clock of an exchange, and how patient it is. */
export interface Patience {
  readonly clock: Clock
  /** For a whole request. */
  readonly requestMsMax: number
  /** In the middle of a request or a large reply; who sends and reads nothing for so long has gone, or means no good. */
  readonly silentMsMax: number
}

interface Head {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly peer: Peer
  readonly patience: Patience
}

/** What both protocol versions share: the target taken apart, and a signal that is only made when asked for. */
abstract class BaseExchange implements Exchange {
  readonly method: string
  readonly path: string
  readonly search: string
  readonly headers: IncomingHttpHeaders
  readonly peer: Peer
  readonly commonHeaders: Record<string, string | string[]> = {}
  protected readonly patience: Patience
  readonly #startedMs: number
  #query?: URLSearchParams
  #abort?: AbortController

  constructor(head: Head) {
    this.patience = head.patience
    this.#startedMs = head.patience.clock.monotonicMs()
    const mark = head.target.indexOf('?')
    this.method = head.method
    this.path = mark < 0 ? head.target : head.target.slice(0, mark)
    this.search = mark < 0 ? '' : head.target.slice(mark)
    this.headers = head.headers
    this.peer = head.peer
  }

  abstract readonly incoming: Readable
  abstract readonly hasReplied: boolean
  abstract respond(head: ReplyHead, body?: Uint8Array): void
  abstract stream(head: ReplyHead): Writable
  protected abstract onClose(listener: () => void): void

  get query(): URLSearchParams {
    if (this.search === '') return NO_QUERY
    this.#query ??= new URLSearchParams(this.search)
    return this.#query
  }

  get isOverdue(): boolean {
    return this.patience.clock.monotonicMs() - this.#startedMs > this.patience.requestMsMax
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController()
      this.#abort = abort
      this.onClose(() => abort.abort(new Error('the client went away')))
    }
    return this.#abort.signal
  }
}

const CANCELLED = constants.NGHTTP2_CANCEL

const PIECE_BYTES = 256 * 1024
/** A reply that is larger may not fit into the windows and buffers on its way, and then waits for its reader. */
const LARGE_BYTES = 64 * 1024

/** A large body goes out piece by piece: all at once it would use up the memory that its whole connection may take. */
function endWith(stream: ServerHttp2Stream, body: Uint8Array): void {
  let at = 0
  const write = (): void => {
    while (at < body.length && !stream.destroyed) {
      const piece = body.subarray(at, at + PIECE_BYTES)
      at += piece.length
      if (at >= body.length) stream.end(piece)
      else if (!stream.write(piece)) return void stream.once('drain', write)
    }
  }
  write()
}

/** The stream API: the compatibility API of node:http2 costs a third of the throughput. */
export class Http2Exchange extends BaseExchange {
  readonly incoming: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, from: { peer: Peer; patience: Patience }) {
    super({
      method: headers[':method'] as string,
      target: headers[':path'] as string,
      headers,
      ...from,
    })
    this.incoming = stream
    if (!stream.endAfterHeaders) this.#endWhenSilent()
  }

  #endWhenSilent(): void {
    this.incoming.setTimeout(this.patience.silentMsMax, () => this.incoming.close(CANCELLED))
  }

  get hasReplied(): boolean {
    return this.incoming.headersSent
  }

  respond({ code, headers }: ReplyHead, body?: Uint8Array): void {
    if (this.incoming.destroyed || this.incoming.headersSent) return
    if (!this.incoming.endAfterHeaders) this.incoming.setTimeout(0)
    const hasBody = body !== undefined && body.length > 0 && this.method !== 'HEAD'
    const all: OutgoingHttpHeaders = { ':status': code, ...this.commonHeaders, ...headers }
    if (body) all['content-length'] = body.length
    this.incoming.respond(all, { endStream: !hasBody })
    if (hasBody && body.length > LARGE_BYTES) this.#endWhenSilent()
    if (hasBody) endWith(this.incoming, body)
    this.#discardRest()
  }

  /** A body that was refused before its end must not hold the stream's flow-control window open. */
  #discardRest(): void {
    if (!this.incoming.readableEnded) this.incoming.resume()
  }

  stream({ code, headers }: ReplyHead): Writable {
    this.incoming.setTimeout(0) // A watch may be quiet for long.
    if (!this.incoming.destroyed) this.incoming.respond({ ':status': code, ...this.commonHeaders, ...headers })
    return this.incoming
  }

  protected onClose(listener: () => void): void {
    if (this.incoming.closed || this.incoming.destroyed) listener()
    else this.incoming.once('close', listener)
  }
}

export class Http1Exchange extends BaseExchange {
  readonly incoming: IncomingMessage
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse, from: { peer: Peer; patience: Patience }) {
    super({ method: request.method!, target: request.url!, headers: request.headers, ...from })
    this.incoming = request
    this.#response = response
  }

  get hasReplied(): boolean {
    return this.#response.headersSent
  }

  respond({ code, headers }: ReplyHead, body?: Uint8Array): void {
    if (this.#response.headersSent || this.#response.destroyed) return
    const length = code === 304 || code === 204 ? {} : { 'content-length': body?.length ?? 0 }
    // A body that nobody read to its end would be taken for the next request.
    const closing = this.incoming.complete ? {} : { connection: 'close' }
    this.#response.writeHead(code, { ...this.commonHeaders, ...headers, ...length, ...closing })
    if (body && body.length > LARGE_BYTES) {
      this.#response.setTimeout(this.patience.silentMsMax, () => this.#response.socket?.destroy())
    }
    this.#response.end(body)
    if (!this.incoming.complete) this.incoming.resume()
  }

  stream({ code, headers }: ReplyHead): Writable {
    this.#response.writeHead(code, { ...this.commonHeaders, ...headers })
    this.#response.flushHeaders()
    return this.#response
  }

  protected onClose(listener: () => void): void {
    if (this.#response.closed || this.#response.destroyed) listener()
    else this.#response.once('close', listener)
  }
}

/** An HTTP/1.1 request to change protocols: there is no response object, only the connection. */
export class UpgradeExchange extends BaseExchange {
  readonly incoming: IncomingMessage
  readonly upgrade: { readonly socket: Duplex; readonly head: Buffer }
  hasReplied = false

  constructor(
    request: IncomingMessage,
    upgrade: { socket: Duplex; head: Buffer },
    from: { peer: Peer; patience: Patience },
  ) {
    super({ method: request.method!, target: request.url!, headers: request.headers, ...from })
    this.incoming = request
    this.upgrade = upgrade
  }

  respond({ code, headers }: ReplyHead, body?: Uint8Array): void {
    if (this.hasReplied) return
    this.hasReplied = true
    const all = { ...this.commonHeaders, ...headers, 'content-length': String(body?.length ?? 0), connection: 'close' }
    this.upgrade.socket.write(headText(code, all))
    this.upgrade.socket.end(body)
  }

  stream({ code, headers }: ReplyHead): Writable {
    this.hasReplied = true
    this.upgrade.socket.write(headText(code, { ...this.commonHeaders, ...headers, connection: 'close' }))
    return this.upgrade.socket
  }

  protected onClose(listener: () => void): void {
    if (this.upgrade.socket.destroyed) listener()
    else this.upgrade.socket.once('close', listener)
  }
}

function headText(code: number, headers: ReplyHead['headers']): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(one => `${name}: ${one}\r\n`),
  )
  return `HTTP/1.1 ${code} ${code < 400 ? 'OK' : 'Error'}\r\n${lines.join('')}\r\n`
}
