/**
 * What an API server does in a second, over TLS, by any kubeconfig, so that another server can be measured in the same run:
 *
 *     node benchmarks/server.ts --kubeconfig PATH [--seconds 5] [--connections 32] [--watchers 1000] [--changes 500]
 *
 * Without a kubeconfig it starts a server of its own on a new LMDB store, in a process of its own. It works in a namespace
 * of its own and deletes that in the end.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connectionOf, parseKubeconfig } from '../src/client/kubeconfig.ts'

const NAMESPACE = 'benchmark-server'
const LIST_NAMESPACE = 'benchmark-server-list'
const pathIn = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`
const PATH = pathIn(NAMESPACE)
const LISTED = 500

interface Target {
  readonly url: string
  readonly tls: { ca?: string; cert?: string; key?: string }
  readonly token?: string
}

interface Answer {
  readonly code: number
  readonly bytes: number
}

class Connection {
  readonly session: ClientHttp2Session
  readonly #token: string | undefined

  constructor({ url, tls, token }: Target) {
    this.session = connect(url, tls)
    this.session.on('error', error => process.stderr.write(`${String(error)}\n`))
    this.session.setMaxListeners(0)
    this.#token = token
  }

  request(method: string, path: string, body?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.open(method, path)
      let code = 0
      let bytes = 0
      stream.once('response', headers => {
        code = Number(headers[':status'])
      })
      stream.on('data', (piece: Buffer) => {
        bytes += piece.length
      })
      stream.once('end', () => resolve({ code, bytes }))
      stream.once('error', reject)
      stream.end(body)
    })
  }

  open(method: string, path: string) {
    const authorization = this.#token ? { authorization: `Bearer ${this.#token}` } : {}
    const type = method === 'GET' ? {} : { 'content-type': 'application/json' }
    return this.session.request({
      ':method': method,
      ':path': path,
      accept: 'application/json',
      ...type,
      ...authorization,
    })
  }
}

const configMap = (name: string, bytes: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { value: 'x'.repeat(Math.max(0, bytes - 150)) },
  })

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

function report(name: string, durationsMs: readonly number[], seconds: number): void {
  const sorted = [...durationsMs].sort((a, b) => a - b)
  const shown = [50, 99].map(share => `p${share} ${percentile(sorted, share / 100).toFixed(1)} ms`).join(', ')
  process.stdout.write(`${name}: ${Math.round(sorted.length / seconds)}/s, ${shown}\n`)
}

/** Each connection asks again as soon as it is answered. */
async function load(
  name: string,
  connections: readonly Connection[],
  seconds: number,
  ask: (connection: Connection, index: number) => Promise<Answer>,
): Promise<void> {
  const durationsMs: number[] = []
  const startMs = performance.now()
  const startProcessorMs = serverProcessorMs()
  const endMs = startMs + seconds * 1000
  let next = 0
  await Promise.all(
    connections.map(async connection => {
      while (performance.now() < endMs) {
        const beganMs = performance.now()
        const { code } = await ask(connection, next++)
        if (code >= 400) throw new Error(`${name} was answered with ${code}`)
        durationsMs.push(performance.now() - beganMs)
      }
    }),
  )
  report(name, durationsMs, (performance.now() - startMs) / 1000)
  reportProcessor(startProcessorMs, durationsMs.length)
}

let ownProcess: number | undefined

/** Processor time of a server of our own so far; it says more than the clock where other work is going on. */
function serverProcessorMs(): number {
  if (ownProcess === undefined) return Number.NaN
  const fields = readFileSync(`/proc/${ownProcess}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10 // The kernel counts hundredths of a second.
}

function reportProcessor(startMs: number, count: number): void {
  const perOne = ((serverProcessorMs() - startMs) * 1000) / count
  if (!Number.isNaN(perOne))
    process.stdout.write(`  ${perOne.toFixed(perOne < 100 ? 1 : 0)} µs of the server's processor time each\n`)
}

/** One in so many watchers reads what it gets and takes the time; the others count, or the load would be the readers. */
const MEASURED_WATCHERS = 20

const LINE_END = 10

/** A frame may end in the middle of a line. */
function lineReader(onLine: (line: string) => void): (piece: Buffer) => void {
  let rest = ''
  return piece => {
    const lines = (rest + piece.toString('latin1')).split('\n')
    rest = lines.pop()!
    lines.forEach(onLine)
  }
}

/** Every watcher must hear of every change; counted from the moment the change was sent. */
async function watch(
  connections: readonly Connection[],
  { watchers, changes, seconds }: { watchers: number; changes: number; seconds: number },
): Promise<void> {
  const sentMs: number[] = []
  const durationsMs: number[] = []
  const streams = Array.from({ length: watchers }, (_, index) =>
    connections[index % connections.length]!.open('GET', `${PATH}?watch=true&labelSelector=watched%3Dtrue`),
  )
  await Promise.all(streams.map(stream => once(stream, 'response')))
  let heard = 0
  for (const [place, stream] of streams.entries()) {
    if (place % MEASURED_WATCHERS === 0) {
      stream.on(
        'data',
        lineReader(line => {
          heard++
          const index = /"name":"change-(\d+)"/.exec(line)?.[1]
          durationsMs.push(performance.now() - sentMs[Number(index)]!)
        }),
      )
    } else
      stream.on('data', (piece: Buffer) => {
        for (let at = piece.indexOf(LINE_END); at >= 0; at = piece.indexOf(LINE_END, at + 1)) heard++
      })
  }
  const writer = connections[0]!
  const startMs = performance.now()
  const startProcessorMs = serverProcessorMs()
  const total = changes * seconds
  const writes: Promise<Answer>[] = []
  for (let index = 0; index < total; index++) {
    const dueMs = startMs + (index * 1000) / changes
    const waitMs = dueMs - performance.now()
    if (waitMs > 1) await new Promise(resolve => setTimeout(resolve, waitMs))
    sentMs[index] = performance.now()
    const metadata = { name: `change-${index}`, labels: { watched: 'true' } }
    writes.push(writer.request('POST', PATH, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata })))
  }
  await Promise.all(writes)
  for (let waits = 0; heard < total * watchers && waits < 100; waits++)
    await new Promise(resolve => setTimeout(resolve, 100))
  const perSecond = Math.round((heard * 1000) / (performance.now() - startMs))
  report(
    `${watchers} watchers heard ${heard} of ${total * watchers} events, ${perSecond}/s; measured`,
    durationsMs,
    seconds,
  )
  reportProcessor(startProcessorMs, heard)
  for (const stream of streams) stream.close()
}

async function createNamespace(connection: Connection, name: string): Promise<void> {
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  const { code } = await connection.request('POST', '/api/v1/namespaces', body)
  if (code >= 400 && code !== 409) throw new Error(`the namespace was answered with ${code}`)
}

async function measure(
  target: Target,
  options: { seconds: number; connections: number; watchers: number; changes: number },
): Promise<void> {
  const connections = Array.from({ length: options.connections }, () => new Connection(target))
  const [first] = connections
  for (const name of [NAMESPACE, LIST_NAMESPACE]) await createNamespace(first!, name)
  const run = Date.now().toString(36)
  const { seconds } = options
  await Promise.all(
    Array.from({ length: LISTED }, (_, i) =>
      first!.request(
        'POST',
        pathIn(LIST_NAMESPACE),
        configMap(`listed-${run}-${i}`, 200).replace('"metadata":{', '"metadata":{"labels":{"listed":"true"},'),
      ),
    ),
  )
  await load('creates of 1 KiB', connections, seconds, (connection, i) =>
    connection.request('POST', PATH, configMap(`c-${run}-${i}`, 1024)),
  )
  await load('gets', connections, seconds, connection =>
    connection.request('GET', `${pathIn(LIST_NAMESPACE)}/listed-${run}-1`),
  )
  await load(`lists of ${LISTED}`, connections, seconds, connection =>
    connection.request('GET', `${pathIn(LIST_NAMESPACE)}?resourceVersion=0`),
  )
  await load(`lists of ${LISTED} by label, among all`, connections, seconds, connection =>
    connection.request('GET', '/api/v1/configmaps?labelSelector=listed%3Dtrue&resourceVersion=0'),
  )
  await watch(connections, options)
  for (const name of [NAMESPACE, LIST_NAMESPACE]) await first!.request('DELETE', `/api/v1/namespaces/${name}`)
  for (const { session } of connections) session.destroy()
}

function targetOf(path: string): Target {
  const readFile = (file: string): string => readFileSync(file, 'utf8')
  const { server, certificateAuthority, clientCertificate, token } = connectionOf(parseKubeconfig(readFile(path)), {
    readFile,
  })
  const client = clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key }
  return {
    url: server,
    tls: { ...(certificateAuthority && { ca: certificateAuthority }), ...client },
    ...(token && { token: token() }),
  }
}

/** A server of our own, alone in its process as it would be in use. */
async function ownServer(folder: string): Promise<{ child: ChildProcess; kubeconfig: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'server-process.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  ownProcess = child.pid
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  process.stdout.write(line)
  return { child, kubeconfig: join(folder, 'kubeconfig') }
}

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '32' },
    watchers: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '500' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'holdfast-benchmark-'))
const own = values.kubeconfig ? undefined : await ownServer(folder)
try {
  await measure(targetOf(values.kubeconfig ?? own!.kubeconfig), {
    seconds: Number(values.seconds),
    connections: Number(values.connections),
    watchers: Number(values.watchers),
    changes: Number(values.changes),
  })
} finally {
  own?.child.kill()
  rmSync(folder, { recursive: true, force: true })
}
