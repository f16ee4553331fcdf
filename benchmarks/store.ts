/**
 * What the stores achieve, beside what the disk allows. Run with `node benchmarks/store.ts [seconds per measurement]`.
 * The ceiling is a plain log: append 2 KiB for each writer, then one fdatasync.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { systemClock } from '../src/machinery/system-clock.ts'
import { txn } from '../src/store/etcd/etcd-methods.ts'
import { EtcdServer } from '../src/store/etcd/etcd-server.ts'
import { openEtcdStore } from '../src/store/etcd/etcd-store.ts'
import { openLmdbStore } from '../src/store/lmdb/lmdb-store.ts'
import { keysUnder, type Revision, type Store } from '../src/store/store.ts'

const SECONDS = Number(process.argv[2] ?? 3)
const VALUE = new Uint8Array(2048).fill(7)
const LISTED_KEYS = 200_000
const WATCHERS = 1000
/** One in so many watchers takes the time. */
const MEASURED_WATCHERS = 20
const WATCHED_COMMITS_PER_SECOND = 2000

interface Result {
  readonly what: string
  readonly perSecond?: number
  readonly p50Ms?: number
  readonly p99Ms?: number
}

let bareCreates = 0

const directory = mkdtempSync(join(tmpdir(), 'holdfast-benchmark-'))
try {
  report([ceiling(1), ceiling(64)])
  report(await commitResults())
  report(await listAndOpenResults())
  report(await watchResults())
  report(await etcdResults())
} finally {
  rmSync(directory, { recursive: true })
}

function report(results: readonly Result[]): void {
  for (const { what, perSecond, p50Ms, p99Ms } of results) {
    const rate = perSecond === undefined ? '' : `${Math.round(perSecond).toLocaleString('en')}/s`
    const latency = p99Ms === undefined ? '' : `p50 ${p50Ms?.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`
    console.log(`${what.padEnd(52)} ${rate.padStart(12)}  ${latency}`)
  }
}

function ceiling(writers: number): Result {
  const file = openSync(join(directory, 'log'), 'w')
  const block = Buffer.alloc(writers * VALUE.byteLength, 7)
  const latencies: number[] = []
  const startMs = performance.now()
  while (performance.now() - startMs < SECONDS * 1000) {
    const calledMs = performance.now()
    writeSync(file, block)
    fdatasyncSync(file)
    latencies.push(performance.now() - calledMs)
  }
  closeSync(file)
  const perSecond = perSecondSince(startMs, latencies.length * writers)
  return { what: `ceiling: append and fdatasync, ${writers} at once`, perSecond, ...quantiles(latencies) }
}

async function commitResults(): Promise<Result[]> {
  const store = await openStoreIn('commits')
  const results: Result[] = []
  for (const writers of [1, 64]) {
    results.push(await createResult(store, writers))
    results.push(await updateResult(store, writers))
  }
  await store.close()
  return results
}

function createResult(store: Store, writers: number, under = `create-${writers}`): Promise<Result> {
  let next = 0
  return measured(`create, ${writers} writers`, writers, writer =>
    store.commit({ type: 'create', key: `/${under}/${writer}-${next++}`, value: VALUE }),
  )
}

async function updateResult(store: Store, writers: number): Promise<Result> {
  const keysPerWriter = 100
  const revisions: Revision[][] = []
  for (let writer = 0; writer < writers; writer++) {
    const keys = Array.from({ length: keysPerWriter }, (_, i) => `/update-${writers}/${writer}-${i}`)
    revisions.push(await Promise.all(keys.map(key => store.commit({ type: 'create', key, value: VALUE }))))
  }
  let next = 0
  return measured(`update, ${writers} writers`, writers, async writer => {
    const i = next++ % keysPerWriter
    const key = `/update-${writers}/${writer}-${i}`
    const ifRevision = revisions[writer]![i]!
    revisions[writer]![i] = await store.commit({ type: 'update', key, value: VALUE, ifRevision })
  })
}

/** Lets `writers` call one after the other, each as fast as it can. */
async function measured(what: string, writers: number, call: (writer: number) => Promise<unknown>): Promise<Result> {
  const latencies: number[] = []
  const startMs = performance.now()
  const write = async (writer: number): Promise<void> => {
    while (performance.now() - startMs < SECONDS * 1000) {
      const calledMs = performance.now()
      await call(writer)
      latencies.push(performance.now() - calledMs)
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  return { what, perSecond: perSecondSince(startMs, latencies.length), ...quantiles(latencies) }
}

async function listAndOpenResults(): Promise<Result[]> {
  const filling = await openStoreIn('list')
  for (let i = 0; i < LISTED_KEYS; i += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, j) =>
        filling.commit({ type: 'create', key: `/list/${String(i + j).padStart(7, '0')}`, value: VALUE }),
      ),
    )
  await filling.close()
  const openedMs = performance.now()
  const store = await openStoreIn('list')
  await store.get('/list/0000000')
  const open = { what: `open ${LISTED_KEYS} keys: ${(performance.now() - openedMs).toFixed(0)} ms` }
  const results = [open]
  for (const limit of [500, 10_000]) {
    const startMs = performance.now()
    const listed = await countListed(store, limit)
    results.push({ what: `list in pages of ${limit}`, ...{ perSecond: perSecondSince(startMs, listed) } })
  }
  await store.close()
  return results
}

async function countListed(store: Store, limit: number): Promise<number> {
  let listed = 0
  let range = keysUnder('/list/')
  for (;;) {
    const page = await store.list(range, { limit })
    listed += page.entries.length
    if (page.next === undefined) return listed
    range = { start: page.next, end: range.end }
  }
}

/** Time until each of many watchers has a commit: since it was called, and since it was answered. */
async function watchResults(): Promise<Result[]> {
  const store = await openStoreIn('watch')
  const stop = new AbortController()
  const times = new Map<string, { readonly calledMs: number; answeredMs: number }>()
  const sinceCall: number[] = []
  const sinceAnswer: number[] = []
  const watching = Array.from({ length: WATCHERS }, async (_, watcher) => {
    for await (const { changes } of store.watch(keysUnder('/watch/'), { after: store.head(), signal: stop.signal })) {
      if (watcher % MEASURED_WATCHERS > 0) continue // To note each of millions would itself take time.
      const seenMs = performance.now()
      for (const change of changes) {
        const time = change.type === 'put' && times.get(change.entry.key)
        if (!time) continue
        sinceCall.push(seenMs - time.calledMs)
        sinceAnswer.push(Math.max(0, seenMs - time.answeredMs))
      }
    }
  })
  const commits: Promise<unknown>[] = []
  const startMs = performance.now()
  for (let i = 0; i < SECONDS * WATCHED_COMMITS_PER_SECOND; i++) {
    while (performance.now() - startMs < (i * 1000) / WATCHED_COMMITS_PER_SECOND)
      await new Promise(resolve => setImmediate(resolve))
    const key = `/watch/${i}`
    const time = { calledMs: performance.now(), answeredMs: Number.POSITIVE_INFINITY }
    if (i >= WATCHED_COMMITS_PER_SECOND) times.set(key, time) // The first second warms up.
    const answered = store.commit({ type: 'create', key, value: VALUE }).then(() => {
      time.answeredMs = performance.now()
    })
    commits.push(answered)
  }
  await Promise.all(commits)
  const perSecond = perSecondSince(startMs, commits.length)
  stop.abort()
  await Promise.all(watching)
  await store.close()
  return [
    { what: `commit seen by ${WATCHERS} watchers, since its call`, perSecond, ...quantiles(sinceCall) },
    { what: `commit seen by ${WATCHERS} watchers, since its answer`, perSecond, ...quantiles(sinceAnswer) },
  ]
}

/** What a client without anything around it gets from an etcd, and what the store does, in turns. */
async function etcdResults(): Promise<Result[]> {
  await using server = await EtcdServer.start()
  const store = await openEtcdStore({ endpoints: [server.endpoint], prefix: '/benchmark', clock: systemClock })
  const client = new Client(server.endpoint, credentials.createInsecure())
  const [bare, stored]: [Result[], Result[]] = [[], []]
  for (const round of ['warm-up', '1', '2', '3']) {
    const commits = await createResult(store, 64, `etcd-${round}`)
    const calls = await measured('etcd: bare gRPC client, 64 writers', 64, writer =>
      bareCreate(client, `${round}-${writer}`),
    )
    if (round === 'warm-up') continue
    stored.push({ ...commits, what: 'etcd: create, 64 writers' })
    bare.push(calls)
  }
  client.close()
  await store.close()
  const ratio = sumOf(stored) / sumOf(bare)
  return [...bare, ...stored, { what: `etcd: the store gets ${(ratio * 100).toFixed(0)} % of the bare client's rate` }]
}

function bareCreate(client: Client, name: string): Promise<unknown> {
  const key = Buffer.from(`/bare/${name}-${bareCreates++}`)
  const request = {
    compare: [{ result: 0, target: 1, key, create_revision: 0 }],
    success: [{ request_put: { key, value: VALUE } }],
    failure: [{ request_range: { key } }],
  } as const
  return new Promise((resolve, reject) => {
    const { path, serialize, deserialize } = txn
    client.makeUnaryRequest(path, serialize, deserialize, request, (error, response) =>
      error ? reject(error) : resolve(response),
    )
  })
}

function sumOf(results: readonly Result[]): number {
  return results.reduce((sum, { perSecond }) => sum + (perSecond ?? 0), 0)
}

function openStoreIn(name: string): ReturnType<typeof openLmdbStore> {
  return openLmdbStore({ directory: join(directory, name), clock: systemClock })
}

function perSecondSince(startMs: number, count: number): number {
  return (count / (performance.now() - startMs)) * 1000
}

function quantiles(values: readonly number[]): { p50Ms: number; p99Ms: number } {
  const sorted = Float64Array.from(values).sort()
  return { p50Ms: sorted[Math.floor(sorted.length * 0.5)]!, p99Ms: sorted[Math.floor(sorted.length * 0.99)]! }
}
