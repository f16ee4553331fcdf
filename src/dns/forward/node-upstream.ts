import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Exchange, Upstream } from './upstream.ts'

/** Every question gets a socket of its own, and with it a source port that nobody can guess (RFC 5452 section 9.2). */
export const nodeUpstream: Upstream = {
  exchange: exchange => (exchange.transport === 'udp' ? exchangeOverUdp(exchange) : exchangeOverTcp(exchange)),
}

function endpointOf(server: string): { host: string; port: number } {
  const [host, port] = server.split('#')
  return { host: host!, port: port ? Number(port) : 53 }
}

function exchangeOverUdp({ server, packet, accepts, signal }: Exchange): Promise<Buffer> {
  const { host, port } = endpointOf(server)
  const socket = createSocket(isIPv6(host.split('%')[0]!) ? 'udp6' : 'udp4')
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  socket.on('error', reject)
  socket.on('message', answer => accepts(answer) && resolve(answer))
  // Connected, it hears of a port that nobody listens at, and takes datagrams from nobody else.
  socket.connect(port, host, () => socket.send(packet))
  if (signal.aborted) abort()
  return promise.finally(() => {
    signal.removeEventListener('abort', abort)
    socket.on('error', () => {})
    socket.close()
  })
}

function exchangeOverTcp({ server, packet, accepts, signal }: Exchange): Promise<Buffer> {
  const socket = connect({ ...endpointOf(server), signal })
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  let received = Buffer.alloc(0)
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the connection was closed before the answer')))
  socket.on('data', chunk => {
    received = Buffer.concat([received, chunk])
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
    const answer = received.subarray(2, 2 + received.readUInt16BE(0))
    if (accepts(answer)) resolve(answer)
    else reject(new Error('the answer belongs to another question'))
  })
  const length = Buffer.from([packet.length >> 8, packet.length & 0xff])
  socket.write(Buffer.concat([length, packet]))
  return promise.finally(() => socket.destroy())
}
