import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ProcessStreams, StreamsWanted } from '../doors.ts'
import { exitStatusText } from './exit-status.ts'
import { forEachChunk, type RemoteProcess, terminalSizeOf } from './remote-process.ts'
import { SpdyConnection, type SpdyStream } from './spdy/spdy-connection.ts'

/** Newest first. Before version 4 the error stream carries plain text. */
const PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']

/** Takes a request over to SPDY/3.1. Undefined when the client offers none of our protocols: it has been told. */
export function acceptSpdy(
  { request, socket }: { request: IncomingMessage; socket: Duplex },
  protocols: readonly string[],
): string | undefined {
  const offered = String(request.headers['x-stream-protocol-version'] ?? '')
    .split(',')
    .map(name => name.trim())
  const protocol = offered[0] === '' ? protocols.at(-1) : protocols.find(name => offered.includes(name))
  if (!protocol) {
    const text = `unable to upgrade: unable to negotiate protocol: client supports ${offered.join(', ')}, server accepts ${protocols.join(', ')}`
    socket.end(
      `HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
    )
    return undefined
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  )
  return protocol
}

/** Serves exec and attach over SPDY: the client opens one stream for each of stdin, stdout, stderr, errors and resizes. */
export async function serveProcessOverSpdy(
  upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer },
  { open, wanted }: RemoteProcess,
): Promise<void> {
  const protocol = acceptSpdy(upgrade, PROTOCOLS)
  if (!protocol) return
  if (upgrade.head.length > 0) upgrade.socket.unshift(upgrade.head)
  const gone = new AbortController()
  const { connection, streams: client } = await openedStreams(upgrade.socket, expectedStreams(wanted, protocol))
  void connection.closed.then(() => gone.abort(new Error('the client is gone')))
  const error = client.get('error')
  try {
    const streams = await open(gone.signal)
    const exitCode = await relay(streams, client)
    error?.end(protocol === PROTOCOLS[0] ? exitStatusText({ exitCode }) : plainText(exitCode))
  } catch (failure) {
    error?.end(protocol === PROTOCOLS[0] ? exitStatusText({ error: failure }) : String(failure))
  }
  for (const stream of client.values()) if (!stream.writableEnded) stream.end()
  connection.finish()
}

const plainText = (exitCode: number): string => (exitCode === 0 ? '' : `command terminated with exit code ${exitCode}`)

function expectedStreams({ stdin, stdout, stderr, tty }: StreamsWanted, protocol: string): readonly string[] {
  const hasResize = tty && (protocol.startsWith('v3') || protocol.startsWith('v4'))
  return [
    'error',
    ...(stdin ? ['stdin'] : []),
    ...(stdout ? ['stdout'] : []),
    ...(stderr && !tty ? ['stderr'] : []),
    ...(hasResize ? ['resize'] : []),
  ]
}

interface Opened {
  readonly connection: SpdyConnection
  readonly streams: ReadonlyMap<string, SpdyStream>
}

/** Resolves when the client has opened every stream, or gone away. */
function openedStreams(socket: Duplex, expected: readonly string[]): Promise<Opened> {
  return new Promise(resolve => {
    const streams = new Map<string, SpdyStream>()
    const connection = new SpdyConnection(socket, {
      role: 'server',
      onStream: stream => {
        streams.set(stream.headers.streamtype ?? '', stream)
        if (expected.every(name => streams.has(name))) resolve({ connection, streams })
      },
    })
    void connection.closed.then(() => resolve({ connection, streams }))
  })
}

/** Carries everything both ways until the process has ended and its output is out. */
async function relay(streams: ProcessStreams, client: ReadonlyMap<string, SpdyStream>): Promise<number> {
  const { stdin, stdout, stderr, resize } = streams
  stdin?.on('error', () => {}) // The process has closed its input; its end comes by itself.
  if (stdin) client.get('stdin')?.pipe(stdin)
  client.get('resize')?.on('data', (chunk: Buffer) => {
    const size = terminalSizeOf(chunk.toString('utf8'))
    if (size) resize(size)
  })
  client.get('error')?.resume()
  const writing = (name: string) => (chunk: Buffer) => written(client.get(name), chunk)
  const output = Promise.all([forEachChunk(stdout, writing('stdout')), forEachChunk(stderr, writing('stderr'))])
  const exitCode = await streams.ended
  await output
  return exitCode
}

function written(stream: SpdyStream | undefined, chunk: Buffer): Promise<void> {
  if (!stream) return Promise.resolve()
  return new Promise((resolve, reject) => stream.write(chunk, error => (error ? reject(error) : resolve())))
}
