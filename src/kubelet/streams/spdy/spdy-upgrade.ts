import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'

/** Asks an HTTP server to speak SPDY/3.1 on this connection. Throws with what it answered instead. */
export function upgradeToSpdy(
  url: string,
  { protocol, signal }: { protocol: string; signal: AbortSignal },
): Promise<Duplex> {
  const isSecure = url.startsWith('https:')
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent: false,
      signal,
      // containerd's streaming server has a certificate that it made for itself; the URL carries a one-time token.
      ...(isSecure && { rejectUnauthorized: false }),
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol },
    })
    request.once('upgrade', (_response, socket: Duplex, head: Buffer) => {
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.once('response', response => {
      reject(new Error(`the runtime refused to stream: HTTP ${response.statusCode}`))
      response.resume()
    })
    request.once('error', reject)
    request.end()
  })
}
