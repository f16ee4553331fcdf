import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../machinery/system-clock.ts'
import { revisionOf } from '../changes.ts'
import { bytes, codeOf, collect, createAll, listed } from '../contract/store-under-test.ts'
import type { StoreDriver } from '../driver.ts'
import { checkAgainstModel } from '../model-based.ts'
import { openStore } from '../open-store.ts'
import { type Batch, type Change, keysUnder, revision } from '../store.ts'
import { EtcdServer } from './etcd-server.ts'
import { openEtcdStore } from './etcd-store.ts'

let server: EtcdServer
const stores: StoreDriver[] = []

beforeEach(async () => {
  server = await EtcdServer.start()
})

afterEach(async () => {
  await Promise.all(stores.splice(0).map(store => store.close()))
  await server[Symbol.asyncDispose]()
})

async function open({ prefix = '/a', endpoints = [server.endpoint] } = {}): Promise<StoreDriver> {
  const store = await openEtcdStore({ endpoints, prefix, clock: systemClock, historyMs: 0 })
  stores.push(store)
  return store
}

test('a watch goes on where it was when the server was killed and came back', async () => {
  const store = await open()
  const before = store.head()
  const watched = collect(store, { after: before, count: 60 })
  const made = await createAll(
    store,
    Array.from({ length: 20 }, (_, i) => `/first/${i}`),
  )
  await server.kill()
  expect(await codeOf(store.commit({ type: 'create', key: '/lost', value: bytes('x') }))).toBe('unavailable')
  await server.resume()
  made.push(
    ...(await createAll(
      store,
      Array.from({ length: 40 }, (_, i) => `/second/${i}`),
    )),
  )
  expect((await watched).map(revisionOf)).toEqual(made)
  const resumed = await collect(store, { after: before, count: 60 })
  expect(resumed.map(revisionOf)).toEqual(made)
})

test('what was compacted while the server could not be reached ends the watch instead of being left out', async () => {
  await using line = await cuttableLine(server.endpoint)
  const [store, other] = [await open({ endpoints: [line.endpoint] }), await open()]
  await createAll(store, ['/a'])
  const ended = codeOf(collect(store, { after: store.head(), count: 1000 }))
  await line.cut()
  await createAll(other, ['/b', '/c'])
  await other.compact(other.head())
  await line.mend()
  expect(await ended).toBe('compacted')
  expect(await listed(store)).toEqual(['/a', '/b', '/c'])
  const before = store.head()
  const [d] = await createAll(store, ['/d'])
  expect((await collect(store, { after: before, count: 1 })).map(revisionOf)).toEqual([d])
})

test('a deletion that is the last to be compacted is not left out either', async () => {
  await using line = await cuttableLine(server.endpoint)
  const [store, other] = [await open({ endpoints: [line.endpoint] }), await open()]
  const [a] = await createAll(store, ['/a'])
  const ended = codeOf(collect(store, { after: store.head(), count: 1000 }))
  await line.cut()
  const deleted = await other.commit({ type: 'delete', key: '/a', ifRevision: a! })
  await other.compact(deleted)
  await line.mend()
  expect(await ended).toBe('compacted')
  const late = await open() // It has to ask etcd where history begins.
  expect(await codeOf(collect(late, { after: revision(deleted - 1), count: 1 }))).toBe('compacted')
})

test('an endpoint that does not answer is passed over', async () => {
  const second = await EtcdServer.start()
  await second.kill()
  const store = await open({ endpoints: [second.endpoint, server.endpoint] })
  const watched = collect(store, { after: store.head(), count: 2 })
  await createAll(store, ['/a', '/b'])
  expect(await watched).toHaveLength(2)
  await second[Symbol.asyncDispose]()
})

test('no endpoint that answers is unavailable', async () => {
  await server.kill()
  expect(await codeOf(open())).toBe('unavailable')
})

test('several servers share a prefix, and see each other', async () => {
  const [one, two, stranger] = await Promise.all([open(), open(), open({ prefix: '/another' })])
  const seen = collect(two!, { after: two!.head(), count: 2 })
  const [a] = await createAll(one!, ['/a'])
  await one!.commit({ type: 'create', key: '/e', value: bytes('e'), ttlMs: 600 })
  expect((await seen)[0]).toMatchObject({ type: 'put', entry: { key: '/a', modRevision: a } })
  // The one that wrote it goes away; the other lets it expire.
  const gone = collect(two!, { after: revisionOf((await seen)[1]!), count: 1 })
  await one!.close()
  expect(await gone).toMatchObject([{ type: 'delete', key: '/e' }])
  expect(await listed(stranger!)).toEqual([])
})

test('the head that one server confirms is not before what another one wrote', async () => {
  const [one, two] = await Promise.all([open(), open()])
  for (let i = 0; i < 20; i++) {
    const [made] = await createAll(one!, [`/k${i}`])
    expect(await two!.confirmHead!()).toBeGreaterThanOrEqual(made!)
  }
})

test('a reader hears how far etcd has come though only strangers write', async () => {
  const [store, stranger] = await Promise.all([open(), open({ prefix: '/another' })])
  const stop = new AbortController()
  const batches = store!.watch(keysUnder('/'), { after: store!.head(), signal: stop.signal })[Symbol.asyncIterator]()
  await createAll(stranger!, ['/a', '/b', '/c'])
  const { revision } = await store!.list(keysUnder('/'), { limit: 1 })
  let batch: Batch | undefined
  do batch = (await batches.next()).value as Batch
  while (batch.revision < revision)
  expect(batch.changes).toEqual([])
  stop.abort()
})

test('random histories look as those of the model though the server is restarted within them', {
  timeout: 3_600_000,
}, async () => {
  let opened = 0
  await checkAgainstModel(
    async () => {
      const store = await openEtcdStore({
        endpoints: [server.endpoint],
        prefix: `/model-${opened++}`,
        clock: systemClock,
        historyMs: 0,
      })
      return { store, advance: async () => {}, [Symbol.asyncDispose]: () => store.close() }
    },
    {
      histories: Number(process.env.STORE_RESTART_HISTORIES ?? 5),
      withExpiry: false,
      disturb: async () => {
        await server.kill()
        await server.resume()
      },
    },
  )
})

test('TLS and a login are used when the name of the store says so', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-etcd-tls-'))
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const names = ['-subj', '/CN=etcd', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  await using secure = await EtcdServer.start({ tls: { cert, key } })
  secure.requireLogin('pa:ss', cert)
  const address = `${secure.endpoint}/cluster?ca=${cert}`
  const store = await openStore(`etcds://root:${encodeURIComponent('pa:ss')}@${address}`, { clock: systemClock })
  const watched = collect(store, { after: store.head(), count: 1 })
  await createAll(store, ['/a'])
  expect(await watched).toHaveLength(1)
  await store.close()
  for (const wrong of [`etcds://root:wrong@${address}`, `etcds://${address}`, `etcd://${address}`])
    expect(await codeOf(openStore(wrong, { clock: systemClock }))).toBe('unavailable')
  rmSync(directory, { recursive: true })
})

test('a long watch that begins in the past is read from etcd and loses nothing', async () => {
  const store = await open()
  const made = await createAll(
    store,
    Array.from({ length: 300 }, (_, i) => `/k/${i}`),
  )
  const late = await open() // It has seen nothing of this itself.
  const seen: Change[] = await collect(late, { after: made[9]!, count: 290 })
  expect(seen.map(revisionOf)).toEqual(made.slice(10))
})

interface Line extends AsyncDisposable {
  readonly endpoint: string
  cut(): Promise<void>
  mend(): Promise<void>
}

/** A way to an endpoint that can be cut. */
async function cuttableLine(endpoint: string): Promise<Line> {
  const [host, port] = endpoint.split(':')
  const sockets = new Set<Socket>()
  const listener = createServer(near => {
    const far = connect({ host: host!, port: Number(port) })
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address() as AddressInfo
  const cut = async (): Promise<void> => {
    if (!listener.listening) return
    const closed = once(listener, 'close')
    listener.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    endpoint: `127.0.0.1:${address.port}`,
    cut,
    async mend() {
      listener.listen(address.port, '127.0.0.1')
      await once(listener, 'listening')
    },
    [Symbol.asyncDispose]: cut,
  }
}
