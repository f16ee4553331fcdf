/**
 * What an API server does in a second, over TLS, by any kubeconfig, so that another server can be measured in the same run:
 *
 *     node benchmarks/server.ts --kubeconfig PATH [--seconds 5] [--connections 32] [--watchers 1000] [--changes 500]
 *         [--only creates,gets,lists,watchers,ceiling]
 *
 * Without a kubeconfig it starts a server of its own on a new LMDB store, in a process of its own. It works in a namespace
 * of its own and deletes that in the end. `ceiling` is a process that does nothing but hand on what it is sent: what the
 * load tool, TLS and HTTP/2 alone allow here.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connectionOf, parseKubeconfig } from '../src/client/kubeconfig.ts'
import { type Answer, Http2Client, type Target } from './http2-client.ts'
import { MeasuredProcess } from './measured-process.ts'

const NAMESPACE = 'benchmark-server'
const LIST_NAMESPACE = 'benchmark-server-list'
const pathIn = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`
const PATH = pathIn(NAMESPACE)
const LISTED = 500
/** So long the server is warmed up before it is measured. */
const WARM_UP_SECONDS = 1.5

const configMap = (name: string, bytes: number, labels?: Record<string, string>): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...(labels && { labels }) },
    data: { value: 'x'.repeat(Math.max(0, bytes - 150)) },
  })

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

function report(name: string, durationsMs: readonly number[], seconds: number): void {
  const sorted = [...durationsMs].sort((a, b) => a - b)
  const shown = [50, 99].map(share => `p${share} ${percentile(sorted, share / 100).toFixed(1)} ms`).join(', ')
  process.stdout.write(`${name}: ${Math.round(sorted.length / seconds)}/s, ${shown}\n`)
}

/** Processor time says more than the clock where other work goes on. That of the load tool is what the server did not get. */
class ProcessorTime {
  readonly #server: MeasuredProcess | undefined
  readonly #serverMs: number
  readonly #own = process.cpuUsage()

  constructor(server: MeasuredProcess | undefined) {
    this.#server = server
    this.#serverMs = server?.processorMs() ?? Number.NaN
  }

  report(count: number): void {
    const { user, system } = process.cpuUsage(this.#own)
    const each = (micros: number): string => (micros / count).toFixed(micros / count < 100 ? 1 : 0)
    const ofServer = this.#server
      ? `${each((this.#server.processorMs() - this.#serverMs) * 1000)} µs of the server, `
      : ''
    process.stdout.write(`  processor time each: ${ofServer}${each(user + system)} µs of the load tool\n`)
  }
}

interface Bench {
  readonly connections: readonly Http2Client[]
  readonly server: MeasuredProcess | undefined
  readonly seconds: number
}

/** Each connection asks again as soon as it is answered. */
async function load(
  name: string,
  { connections, server, seconds }: Bench,
  ask: (connection: Http2Client, index: number) => Promise<Answer>,
): Promise<void> {
  let next = 0
  const during = async (forSeconds: number): Promise<number[]> => {
    const durationsMs: number[] = []
    const endMs = performance.now() + forSeconds * 1000
    const askAgain = async (connection: Http2Client): Promise<void> => {
      while (performance.now() < endMs) {
        const beganMs = performance.now()
        const { code } = await ask(connection, next++)
        if (code >= 400) throw new Error(`${name} was answered with ${code}`)
        durationsMs.push(performance.now() - beganMs)
      }
    }
    await Promise.all(connections.map(askAgain))
    return durationsMs
  }
  await during(WARM_UP_SECONDS)
  const processorTime = new ProcessorTime(server)
  const startMs = performance.now()
  const durationsMs = await during(seconds)
  report(name, durationsMs, (performance.now() - startMs) / 1000)
  processorTime.report(durationsMs.length)
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

interface WatchLoad {
  readonly watchers: number
  readonly changes: number
}

/** Every watcher must hear of every change; counted from the moment the change was sent. */
async function watch(name: string, { connections, server, seconds }: Bench, load: WatchLoad): Promise<void> {
  const { watchers, changes } = load
  const sentMs: number[] = []
  const durationsMs: number[] = []
  let heard = 0
  const measure = lineReader.bind(undefined, line => {
    heard++
    const index = /"name":"change-(\d+)"/.exec(line)?.[1]
    durationsMs.push(performance.now() - sentMs[Number(index)]!)
  })
  const count = (piece: Buffer): void => {
    for (let at = piece.indexOf(LINE_END); at >= 0; at = piece.indexOf(LINE_END, at + 1)) heard++
  }
  // A connection carries what its watchers hear and nothing else, as that of a component would.
  const [writer, ...readers] = connections
  await Promise.all(
    Array.from({ length: watchers }, (_, index) =>
      readers[index % readers.length]!.watch(
        `${PATH}?watch=true&labelSelector=watched%3Dtrue`,
        index % MEASURED_WATCHERS === 0 ? measure() : count,
      ),
    ),
  )
  const processorTime = new ProcessorTime(server)
  const startMs = performance.now()
  const total = changes * seconds
  const writes: Promise<Answer>[] = []
  for (let index = 0; index < total; index++) {
    const dueMs = startMs + (index * 1000) / changes
    const waitMs = dueMs - performance.now()
    if (waitMs > 1) await new Promise(resolve => setTimeout(resolve, waitMs))
    sentMs[index] = performance.now()
    writes.push(writer!.request('POST', PATH, configMap(`change-${index}`, 0, { watched: 'true' })))
  }
  const answers = await Promise.all(writes)
  // Where the writes come faster than the server can take them, some are refused (429).
  const written = answers.filter(({ code }) => code < 400).length
  for (let waits = 0; heard < written * watchers && waits < 100; waits++)
    await new Promise(resolve => setTimeout(resolve, 100))
  const perSecond = Math.round((heard * 1000) / (performance.now() - startMs))
  const refused = written < total ? `, ${total - written} writes refused` : ''
  const all = `${watchers} watchers ${name} heard ${heard} of ${written * watchers} events, ${perSecond}/s${refused}`
  report(`${all}; measured`, durationsMs, seconds)
  processorTime.report(heard)
}

async function createNamespace(connection: Http2Client, name: string): Promise<void> {
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  const { code } = await connection.request('POST', '/api/v1/namespaces', body)
  if (code >= 400 && code !== 409) throw new Error(`the namespace was answered with ${code}`)
}

async function measure(bench: Bench, isWanted: (part: string) => boolean, watchLoad: WatchLoad): Promise<void> {
  const [first] = bench.connections
  for (const name of [NAMESPACE, LIST_NAMESPACE]) await createNamespace(first!, name)
  const run = Date.now().toString(36)
  await Promise.all(
    Array.from({ length: LISTED }, (_, i) =>
      first!.request('POST', pathIn(LIST_NAMESPACE), configMap(`listed-${run}-${i}`, 200, { listed: 'true' })),
    ),
  )
  const get = (path: string) => (connection: Http2Client) => connection.request('GET', path)
  if (isWanted('creates'))
    await load('creates of 1 KiB', bench, (connection, i) =>
      connection.request('POST', PATH, configMap(`c-${run}-${i}`, 1024)),
    )
  if (isWanted('gets')) await load('gets', bench, get(`${pathIn(LIST_NAMESPACE)}/listed-${run}-1`))
  if (isWanted('lists')) {
    await load(`lists of ${LISTED}`, bench, get(`${pathIn(LIST_NAMESPACE)}?resourceVersion=0`))
    const byLabel = '/api/v1/configmaps?labelSelector=listed%3Dtrue&resourceVersion=0'
    await load(`lists of ${LISTED} by label, among all`, bench, get(byLabel))
  }
  if (isWanted('watchers')) await watch('of the server', bench, watchLoad)
  for (const name of [NAMESPACE, LIST_NAMESPACE]) await first!.request('DELETE', `/api/v1/namespaces/${name}`)
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

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '32' },
    watchers: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '500' },
    only: { type: 'string', default: 'creates,gets,lists,watchers,ceiling' },
  },
})
const parts = new Set(values.only.split(','))
const watchLoad = { watchers: Number(values.watchers), changes: Number(values.changes) }

async function against(
  kubeconfig: string,
  server: MeasuredProcess | undefined,
  run: (bench: Bench) => Promise<void>,
): Promise<void> {
  const target = targetOf(kubeconfig)
  const connections = Array.from({ length: Number(values.connections) }, () => new Http2Client(target))
  try {
    await run({ connections, server, seconds: Number(values.seconds) })
  } finally {
    for (const connection of connections) connection.destroy()
  }
}

async function againstOwn(script: string, run: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-benchmark-'))
  try {
    await using server = await MeasuredProcess.start(join(import.meta.dirname, script), folder)
    await against(join(folder, 'kubeconfig'), server, run)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const measureAll = (bench: Bench): Promise<void> => measure(bench, part => parts.has(part), watchLoad)
if (values.kubeconfig) await against(values.kubeconfig, undefined, measureAll)
else await againstOwn('server-process.ts', measureAll)
if (parts.has('ceiling'))
  await againstOwn('broadcast-process.ts', bench => watch('of nothing but frames', bench, watchLoad))
