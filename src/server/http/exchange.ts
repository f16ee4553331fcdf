import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { UserInfo } from '../../registry/resource.ts'

/** What the TLS handshake told of the client. */
export interface Peer {
  readonly address: string
  /** Whom the client certificate names; absent without one. */
  readonly certificateUser?: UserInfo
  /** When that certificate ends, in milliseconds of wall time: connections may live longer. */
  readonly certificateEndMs?: number
  /** A certificate was shown, but no CA that we trust signed it or it is out of date. */
  readonly certificateProblem?: string
}

export interface ReplyHead {
  readonly code: number
  readonly headers: OutgoingHttpHeaders
}

/** One request and its reply, the same for HTTP/1.1 and HTTP/2. */
export interface Exchange {
  readonly method: string
  /** As sent, without the query. */
  readonly path: string
  readonly search: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly peer: Peer
  /** The body as it arrives. `readBody` is the bounded way to read it. */
  readonly incoming: Readable
  /** The client has had its time to send the whole request, and still sends. */
  readonly isOverdue: boolean
  /** Aborted when the client went away before its reply was complete. */
  readonly signal: AbortSignal
  /** The connection itself, when the client asked to speak another protocol on it. HTTP/1.1 only. */
  readonly upgrade?: { readonly socket: Duplex; readonly head: Buffer }
  /** True once a reply has begun: its head can no longer be changed. */
  readonly hasReplied: boolean
  respond(head: ReplyHead, body?: Uint8Array): void
  /** A reply that comes piece by piece. Whoever writes heeds its back-pressure and ends it. */
  stream(head: ReplyHead): Writable
  /** Headers that every reply of this exchange carries, errors too. */
  readonly commonHeaders: Record<string, string | string[]>
}
