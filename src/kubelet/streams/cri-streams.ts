import { PassThrough, type Readable } from 'node:stream'
import type { PortConnection, ProcessStreams, StreamsWanted, TerminalSize } from '../doors.ts'
import { RuntimeError } from '../doors.ts'
import { SpdyConnection, type SpdyStream } from './spdy/spdy-connection.ts'
import { upgradeToSpdy } from './spdy/spdy-upgrade.ts'

interface Wanted {
  readonly wanted: StreamsWanted
  readonly signal: AbortSignal
}

/** Runs a command over the URL that CRI `Exec` gave. */
export const openExec = (url: string, options: Wanted): Promise<ProcessStreams> => openProcess(url, options)

/** Joins the first process of a container over the URL that CRI `Attach` gave. */
export const attachTo = (url: string, options: Wanted): Promise<ProcessStreams> => openProcess(url, options)

async function openProcess(url: string, { wanted, signal }: Wanted): Promise<ProcessStreams> {
  const connection = await connect(url, 'v4.channel.k8s.io', signal)
  const open = (streamType: string): Promise<SpdyStream> => connection.open({ streamtype: streamType })
  const [error, stdin, stdout, stderr, resize] = await Promise.all([
    open('error'),
    wanted.stdin ? open('stdin') : undefined,
    wanted.stdout ? open('stdout') : undefined,
    wanted.stderr && !wanted.tty ? open('stderr') : undefined,
    wanted.tty ? open('resize') : undefined,
  ])
  stdin?.resume()
  resize?.resume()
  return {
    ...(stdin && { stdin }),
    ...(stdout && { stdout }),
    ...(stderr && { stderr }),
    resize: ({ width, height }: TerminalSize) => resize?.write(JSON.stringify({ Width: width, Height: height })),
    ended: exitCodeFrom(error, connection),
  }
}

/** The runtime says on the error stream how the process ended: nothing for 0, else a Status. */
async function exitCodeFrom(error: SpdyStream, connection: SpdyConnection): Promise<number> {
  const text = await textOf(error)
  void connection.closed.then(() => {}) // Streams that still hold output are read to their end by their users.
  if (!text) return 0
  const status = parsedStatus(text)
  if (!status || status.status === 'Success') return status ? 0 : fail(text)
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')
  return cause?.message === undefined ? fail(status.message ?? text) : Number(cause.message)
}

interface ExitStatus {
  readonly status?: string
  readonly message?: string
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] }
}

function parsedStatus(text: string): ExitStatus | undefined {
  try {
    return JSON.parse(text) as ExitStatus
  } catch {
    return undefined // Old runtimes write plain text.
  }
}

function fail(message: string): never {
  throw new RuntimeError('failed', message)
}

/** Connects to a port inside a sandbox over the URL that CRI `PortForward` gave. */
export async function openPort(
  url: string,
  { port, signal }: { port: number; signal: AbortSignal },
): Promise<PortConnection> {
  const connection = await connect(url, 'portforward.k8s.io', signal)
  const headers = { port: String(port), requestid: '0' }
  const error = await connection.open({ ...headers, streamtype: 'error' })
  error.end()
  const data = await connection.open({ ...headers, streamtype: 'data' })
  const problem = textOf(error)
  const output = new PassThrough()
  data.pipe(output)
  const ended = problem.then(async text => {
    connection.finish()
    if (text) fail(text)
  })
  ended.catch(() => output.end()) // Whoever reads sees the end; the reason comes with `ended`.
  return { input: data, output, ended }
}

async function connect(url: string, protocol: string, signal: AbortSignal): Promise<SpdyConnection> {
  const socket = await upgradeToSpdy(url, { protocol, signal })
  const connection = new SpdyConnection(socket, { role: 'client' })
  const abort = (): void => connection.close()
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  void connection.closed.then(() => signal.removeEventListener('abort', abort))
  return connection
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
