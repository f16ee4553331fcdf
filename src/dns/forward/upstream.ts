import type { Transport } from '../server/query.ts'

export interface Exchange {
  /** Address of a name server; port 53 unless it says `address#port`. */
  readonly server: string
  readonly packet: Uint8Array
  readonly transport: Transport
  /** Whether a datagram is the answer. Others are read past: anyone can send them. */
  readonly accepts: (answer: Buffer) => boolean
  readonly signal: AbortSignal
}

/** The door to other name servers. */
export interface Upstream {
  /** Resolves with the first accepted answer; rejects when there is none, or with the signal's reason. */
  exchange(exchange: Exchange): Promise<Buffer>
}
