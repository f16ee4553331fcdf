import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024

/** The first of our protocols that the client offers. */
export function chosenProtocol(request: IncomingMessage, supported: readonly string[]): string | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim())
  return supported.find(name => offered.includes(name))
}

/**
 * Makes a WebSocket of a request. The protocol is answered by hand: `ws` takes no name with a slash, as
 * `SPDY/3.1+portforward.k8s.io` has.
 */
export function acceptWebSocket(
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
  protocol: string | undefined,
): Promise<WebSocket> {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: PAYLOAD_BYTES_MAX })
  server.on('headers', headers => {
    if (protocol) headers.push(`Sec-WebSocket-Protocol: ${protocol}`)
  })
  delete request.headers['sec-websocket-protocol']
  return new Promise(resolve => server.handleUpgrade(request, socket, head, resolve))
}

/** Resolves when there is room for more, so that a slow client slows its source. */
export function sendTo(websocket: WebSocket, data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    websocket.send(data, { binary: true }, error => (error ? reject(error) : resolve()))
  })
}
