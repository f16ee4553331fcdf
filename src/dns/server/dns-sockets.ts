/** Where a datagram came from, as its socket knows it. */
export interface Peer {
  readonly address: string
  readonly port: number
}

export interface UdpSocket extends AsyncDisposable {
  /** Sends, or drops when the system has no room: a datagram may get lost anyway. */
  send(packet: Buffer, peer: Peer): void
}

/** One connection from a client. */
export interface TcpConnection {
  /** What the client sends, until it stops or the connection breaks. */
  readonly received: AsyncIterable<Buffer>
  /** Resolves when the client may be sent more. */
  send(packet: Buffer): Promise<void>
  close(): void
}

export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** The doors that the DNS server listens at. Both reject when the address cannot be had. */
export interface DnsSockets {
  bindUdp(endpoint: Endpoint, receive: (packet: Buffer, peer: Peer, socket: UdpSocket) => void): Promise<UdpSocket>
  listenTcp(endpoint: Endpoint, accept: (connection: TcpConnection) => void): Promise<AsyncDisposable>
}
