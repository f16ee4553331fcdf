/**
 * A program for tests: listens on TCP and UDP ports given as arguments after its name, and answers everyone with its name
 * and the address it was called from. Says `listening` when it does.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

const [name, ...ports] = process.argv.slice(2)
for (const port of ports.map(Number)) {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.end(`${name} ${socket.remoteAddress} ${socket.remotePort}\n`)
  })
  server.listen(port, '0.0.0.0')
  await once(server, 'listening')
  const socket = createSocket('udp4')
  socket.on('message', (_, peer) => socket.send(`${name} ${peer.address} ${peer.port}\n`, peer.port, peer.address))
  socket.bind(port)
  await once(socket, 'listening')
}
process.stdout.write('listening\n')
