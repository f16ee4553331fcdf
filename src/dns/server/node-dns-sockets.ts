import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, isIPv6, type Socket } from 'node:net'
import type { DnsSockets, TcpConnection, UdpSocket } from './dns-sockets.ts'

/** Room for a burst while the process is busy with something else. The system may give less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** Sockets of this process. With `reusePort`, several processes share the load at one address. */
export function nodeDnsSockets({ reusePort = false }: { reusePort?: boolean } = {}): DnsSockets {
  return {
    async bindUdp({ address, port }, receive) {
      const type = isIPv6(address) ? 'udp6' : 'udp4'
      // Answers go to addresses, never to names, so looking one up is a step that can be left out.
      const lookup: Lookup = (host, _options, callback) => callback(null, host, type === 'udp6' ? 6 : 4)
      const socket = createSocket({ type, reusePort, lookup: lookup as never })
      const listening = once(socket, 'listening') // Before binding: an address needs no look-up, so it may be at once.
      socket.bind({ address, port })
      await listening // Rejects on 'error'.
      socket.on('error', () => {}) // Of one answer that could not be sent; the client will ask again.
      tryToSetReceiveBuffer(() => socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES))
      const door: UdpSocket = {
        send: (packet, peer) => socket.send(packet, peer.port, peer.address, ignored),
        [Symbol.asyncDispose]: () => new Promise(resolve => socket.close(resolve)),
      }
      socket.on('message', (packet, peer) => receive(packet, peer, door))
      return door
    },
    async listenTcp({ address, port }, accept) {
      const open = new Set<Socket>()
      const server = createServer(socket => {
        open.add(socket)
        socket.on('close', () => open.delete(socket))
        socket.on('error', () => {})
        accept(connectionOver(socket))
      })
      server.listen({ host: address, port, reusePort })
      await once(server, 'listening')
      return {
        [Symbol.asyncDispose]: () =>
          new Promise(resolve => {
            server.close(() => resolve())
            for (const socket of open) socket.destroy()
          }),
      }
    },
  }
}

type Lookup = (host: string, options: object, callback: (error: null, address: string, family: number) => void) => void

const ignored = (): void => {}

function tryToSetReceiveBuffer(set: () => void): void {
  try {
    set()
  } catch {
    // The default serves as well, with less room for bursts.
  }
}

function connectionOver(socket: Socket): TcpConnection {
  return {
    received: socket,
    async send(packet) {
      if (!socket.write(packet)) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    },
    close: () => socket.destroy(),
  }
}
