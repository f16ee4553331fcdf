import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { ProcessStreams } from '../doors.ts'
import { exitStatusText } from './exit-status.ts'
import { forEachChunk, type RemoteProcess, terminalSizeOf } from './remote-process.ts'
import { bytesOf } from './websocket-duplex.ts'
import { acceptWebSocket, chosenProtocol, sendTo } from './websocket-upgrade.ts'

/** Newest first. Version 5 can also end single channels. */
const PROTOCOLS = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
]
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** Serves exec and attach over a WebSocket: each message begins with the number of its channel. */
export async function serveProcessOverWebSocket(
  upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer },
  { open, wanted }: RemoteProcess,
): Promise<void> {
  const protocol = chosenProtocol(upgrade.request, PROTOCOLS)
  const websocket = await acceptWebSocket(upgrade, protocol)
  const channels = new Channels(websocket, protocol?.includes('base64') ?? false)
  const gone = new AbortController()
  websocket.once('close', () => gone.abort(new Error('the client is gone')))
  websocket.on('error', () => websocket.terminate())
  websocket.pause() // What the client sends waits until the process is there.
  const firstOutput = wanted.stdout ? CHANNEL.stdout : wanted.stderr ? CHANNEL.stderr : CHANNEL.error
  await channels.send(firstOutput, Buffer.alloc(0)).catch(() => {}) // Tells the client that it is connected.
  try {
    const streams = await open(gone.signal)
    receive(websocket, channels, streams)
    websocket.resume()
    const output = Promise.all([
      forEachChunk(streams.stdout, chunk => channels.send(CHANNEL.stdout, chunk)),
      forEachChunk(streams.stderr, chunk => channels.send(CHANNEL.stderr, chunk)),
    ])
    const exitCode = await streams.ended
    await output
    await channels.send(CHANNEL.error, Buffer.from(exitStatusText({ exitCode })))
  } catch (error) {
    if (!gone.signal.aborted) await channels.send(CHANNEL.error, Buffer.from(exitStatusText({ error }))).catch(() => {}) // It just left.
  }
  websocket.resume() // Its answer to our farewell must be read.
  websocket.close(1000)
}

function receive(websocket: WebSocket, channels: Channels, { stdin, resize }: ProcessStreams): void {
  stdin?.on('error', () => {}) // The process has closed its input; its end comes by itself.
  websocket.on('message', data => {
    const { channel, payload } = channels.received(bytesOf(data))
    if (channel === CHANNEL.close && payload[0] === CHANNEL.stdin) stdin?.end()
    else if (channel === CHANNEL.stdin && payload.length > 0 && stdin?.writable) {
      if (stdin.write(payload)) return
      websocket.pause()
      stdin.once('drain', () => websocket.resume())
      stdin.once('close', () => websocket.resume())
    } else if (channel === CHANNEL.resize) {
      const size = terminalSizeOf(payload.toString('utf8'))
      if (size) resize(size)
    }
  })
  websocket.once('close', () => stdin?.end())
}

class Channels {
  readonly #websocket: WebSocket
  readonly #isBase64: boolean

  constructor(websocket: WebSocket, isBase64: boolean) {
    this.#websocket = websocket
    this.#isBase64 = isBase64
  }

  send(channel: number, payload: Buffer): Promise<void> {
    if (!this.#isBase64) return sendTo(this.#websocket, Buffer.concat([Buffer.from([channel]), payload]))
    return new Promise((resolve, reject) => {
      this.#websocket.send(`${channel}${payload.toString('base64')}`, error => (error ? reject(error) : resolve()))
    })
  }

  received(message: Buffer): { channel: number; payload: Buffer } {
    const first = message[0] ?? CHANNEL.close
    const rest = message.subarray(1)
    if (!this.#isBase64) return { channel: first, payload: rest }
    return { channel: first - 0x30, payload: Buffer.from(rest.toString('latin1'), 'base64') }
  }
}
