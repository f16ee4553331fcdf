import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { WebSocket } from 'ws'
import type { PortConnection } from '../doors.ts'
import { SpdyConnection, type SpdyStream } from './spdy/spdy-connection.ts'
import { acceptSpdy } from './spdy-process.ts'
import { bytesOf, duplexOf } from './websocket-duplex.ts'
import { acceptWebSocket, chosenProtocol, sendTo } from './websocket-upgrade.ts'

export type OpenPort = (port: number, signal: AbortSignal) => Promise<PortConnection>

interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

const SPDY_PROTOCOL = 'portforward.k8s.io'
/** SPDY inside the messages of a WebSocket, which passes proxies (KEP-4006). */
const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io'
const CHANNEL_PROTOCOLS = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io']

export async function servePortForwardOverSpdy(upgrade: Upgrade, openPort: OpenPort): Promise<void> {
  if (!acceptSpdy(upgrade, [SPDY_PROTOCOL])) return
  if (upgrade.head.length > 0) upgrade.socket.unshift(upgrade.head)
  await servePorts(upgrade.socket, openPort)
}

/** `ports`: what the query names, for the older protocol that has no other place for them. */
export async function servePortForwardOverWebSocket(
  upgrade: Upgrade,
  { openPort, ports }: { openPort: OpenPort; ports: readonly number[] },
): Promise<void> {
  const protocol = chosenProtocol(upgrade.request, [TUNNEL_PROTOCOL, ...CHANNEL_PROTOCOLS])
  const websocket = await acceptWebSocket(upgrade, protocol)
  if (protocol === TUNNEL_PROTOCOL) await servePorts(duplexOf(websocket), openPort)
  else await serveChannels(websocket, { openPort, ports })
}

/** Each connection of the client is a pair of streams with one request id: data and errors. */
async function servePorts(socket: Duplex, openPort: OpenPort): Promise<void> {
  const gone = new AbortController()
  const errors = new Map<string, SpdyStream>()
  const connection = new SpdyConnection(socket, {
    role: 'server',
    onStream: stream => {
      const { streamtype, requestid = '', port = '' } = stream.headers
      if (streamtype === 'error') {
        stream.resume()
        errors.set(requestid, stream)
        return
      }
      const error = errors.get(requestid)
      errors.delete(requestid)
      void forward(stream, { error, port: Number(port), openPort, signal: gone.signal })
    },
  })
  await connection.closed
  gone.abort(new Error('the client is gone'))
}

interface Forwarded {
  readonly error: SpdyStream | undefined
  readonly port: number
  readonly openPort: OpenPort
  readonly signal: AbortSignal
}

async function forward(data: SpdyStream, { error, port, openPort, signal }: Forwarded): Promise<void> {
  try {
    const connection = await openPort(port, signal)
    const ways = Promise.allSettled([pipeline(data, connection.input), pipeline(connection.output, data)])
    await connection.ended
    await ways
    error?.end()
  } catch (failure) {
    const text = failure instanceof Error ? failure.message : String(failure)
    error?.end(`an error occurred forwarding ${port}: ${text}`)
    data.destroy()
  }
}

/** Two channels for each port: data and errors; each begins by naming its port. */
async function serveChannels(
  websocket: WebSocket,
  { openPort, ports }: { openPort: OpenPort; ports: readonly number[] },
): Promise<void> {
  const gone = new AbortController()
  const inputs = new Map<number, PortConnection['input']>()
  websocket.on('error', () => websocket.terminate())
  websocket.on('message', data => {
    const message = bytesOf(data)
    inputs.get(message[0] ?? -1)?.write(message.subarray(1))
  })
  const closed = new Promise<void>(resolve => websocket.once('close', () => resolve()))
  void closed.then(() => gone.abort(new Error('the client is gone')))
  const send = (channel: number, payload: Buffer): Promise<void> =>
    sendTo(websocket, Buffer.concat([Buffer.from([channel]), payload]))
  for (const [index, port] of ports.entries()) {
    const number = Buffer.alloc(2)
    number.writeUInt16LE(port)
    await send(index * 2, number)
    await send(index * 2 + 1, number)
    void serveChannel({
      port,
      openPort,
      signal: gone.signal,
      take: input => inputs.set(index * 2, input),
      send: chunk => send(index * 2, chunk),
    }).catch(
      error => send(index * 2 + 1, Buffer.from(String(error.message))).catch(() => {}), // Nobody is left to be told.
    )
  }
  await closed
}

interface ChannelOptions {
  readonly port: number
  readonly openPort: OpenPort
  readonly signal: AbortSignal
  readonly take: (input: PortConnection['input']) => void
  readonly send: (chunk: Buffer) => Promise<void>
}

async function serveChannel({ port, openPort, signal, take, send }: ChannelOptions): Promise<void> {
  const { input, output, ended } = await openPort(port, signal)
  ended.catch(() => {}) // Reported by whoever reads the output to its end.
  input.on('error', () => {})
  take(input)
  for await (const chunk of output as AsyncIterable<Buffer>) await send(chunk)
  await ended
}
