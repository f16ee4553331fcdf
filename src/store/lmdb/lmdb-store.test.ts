import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { bytes, codeOf, createAll, type OpenForTest, problems } from '../contract/store-under-test.ts'
import { testStoreContract } from '../contract.ts'
import { backUpStore, restoreStore } from '../maintenance.ts'
import { checkAgainstModel } from '../model-based.ts'
import { openStore } from '../open-store.ts'
import { keysUnder, revision } from '../store.ts'
import { StoreMetrics } from '../store-metrics.ts'
import { FORMAT, logKey } from './layout.ts'
import { openLmdbStore } from './lmdb-store.ts'
import { Tables } from './tables.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-lmdb-'))
})
afterEach(() => rm(directory, { recursive: true }))

const open: OpenForTest = async () => {
  const within = await mkdtemp(join(directory, 'store-'))
  const clock = new VirtualClock()
  let store = await openLmdbStore({ directory: within, clock })
  return {
    store,
    advance: ms => clock.advance(ms),
    async reopen() {
      await store.close()
      store = await openLmdbStore({ directory: within, clock })
      return store
    },
    async [Symbol.asyncDispose]() {
      await store.close()
      await rm(within, { recursive: true })
    },
  }
}

testStoreContract(open)

test('random histories look as those of the model', { timeout: 3_600_000 }, () =>
  checkAgainstModel(open, { histories: Number(process.env.STORE_MODEL_HISTORIES ?? 60) }),
)

test('who gives back what reading took may read and write on, also meanwhile', async () => {
  const store = await openLmdbStore({ directory, clock: new VirtualClock() })
  const write = (key: string) => store.commit({ type: 'create', key, value: bytes(key) })
  await write('/before')
  const released = store.releaseMemory!()
  const meanwhile = write('/meanwhile')
  const read = new Promise(resolve => setImmediate(resolve)).then(() => store.get('/before'))
  await Promise.all([released, meanwhile])
  expect(await read).toMatchObject({ key: '/before' })
  await write('/after')
  const { entries } = await store.list(keysUnder('/'), { limit: 10 })
  expect(entries.map(({ key }) => key)).toEqual(['/after', '/before', '/meanwhile'])
  await store.close()
})

test('a second owner is refused and told who the first is', async () => {
  const store = await openLmdbStore({ directory, clock: new VirtualClock() })
  const refused = openLmdbStore({ directory, clock: new VirtualClock() })
  await expect(refused).rejects.toMatchObject({ name: 'StoreOpenError', code: 'owned' })
  await expect(refused).rejects.toThrow(`process ${process.pid} has the store in ${directory} open`)
  await store.close()
  await (await openLmdbStore({ directory, clock: new VirtualClock() })).close()
})

test('a second process is refused, until the first is killed', async () => {
  const module = new URL('lmdb-store.ts', import.meta.url).pathname
  const clock = new URL('../../machinery/system-clock.ts', import.meta.url).pathname
  const program = `
    const { openLmdbStore } = await import('${module}')
    const { systemClock } = await import('${clock}')
    await openLmdbStore({ directory: '${directory}', clock: systemClock })
    process.stdout.write('open')
    process.stdin.resume()`
  const other = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(other.stdout, 'data')
  const refused = openLmdbStore({ directory, clock: new VirtualClock() })
  await expect(refused).rejects.toThrow(`process ${other.pid} has the store`)
  const exited = once(other, 'exit')
  other.kill('SIGKILL')
  await exited
  await (await openLmdbStore({ directory, clock: new VirtualClock() })).close()
})

test('a file of a newer format is refused', async () => {
  await (await openLmdbStore({ directory, clock: new VirtualClock() })).close()
  const tables = new Tables(directory)
  await tables.transaction(() => tables.putFormat(FORMAT + 1))
  await tables.close()
  const refused = openLmdbStore({ directory, clock: new VirtualClock() })
  await expect(refused).rejects.toMatchObject({ code: 'newer-format' })
})

test('history is kept for its time and forgotten after it', async () => {
  const clock = new VirtualClock()
  const store = await openLmdbStore({ directory, clock, historyMs: 60_000 })
  const made = await createAll(store, ['/a', '/b'])
  await clock.advance(50_000)
  const [later] = await createAll(store, ['/c'])
  expect((await store.get('/a', made[0]))?.modRevision).toBe(made[0])
  await clock.advance(30_000)
  await untilCode(() => store.get('/a', made[0]), 'compacted')
  expect((await store.get('/a', made[1]))?.modRevision).toBe(made[0])
  await clock.advance(60_000)
  await untilCode(() => store.get('/a', made[1]), 'compacted')
  expect((await store.get('/c', later))?.modRevision).toBe(later)
  expect(await problems(store)).toEqual([])
  await store.close()
})

test('the file does not grow without bound under updates', async () => {
  const store = await openLmdbStore({ directory, clock: new VirtualClock(), historyChangesMax: 200 })
  const value = new Uint8Array(2048)
  const keys = Array.from({ length: 16 }, (_, i) => `/k${i}`)
  let made = await Promise.all(keys.map(key => store.commit({ type: 'create', key, value })))
  const update = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round++)
      made = await Promise.all(keys.map((key, i) => store.commit({ type: 'update', key, value, ifRevision: made[i]! })))
  }
  await update(80)
  const early = (await stat(join(directory, 'data.mdb'))).size
  await update(160)
  expect((await stat(join(directory, 'data.mdb'))).size).toBeLessThan(early * 1.5)
  expect(store.head() - (await store.mark())).toBeLessThan(500)
  await store.close()
})

test('damage to the file is found', async () => {
  const before = await openLmdbStore({ directory, clock: new VirtualClock() })
  await createAll(before, ['/a', '/b', '/c'])
  await before.close()
  const tables = new Tables(directory)
  const damaged = Buffer.from(tables.current.get(Buffer.from('/a'))!)
  damaged[damaged.length - 1]! ^= 1
  await tables.transaction(() => {
    tables.current.put(Buffer.from('/a'), damaged).catch(() => {})
    tables.current.remove(Buffer.from('/c')).catch(() => {})
    tables.log.remove(logKey(revision(2), Buffer.from('/b'))).catch(() => {})
  })
  await tables.close()
  const store = await openLmdbStore({ directory, clock: new VirtualClock() })
  expect(await problems(store)).toEqual([
    'an entry of /a does not match its checksum',
    'the log goes on with 3 where 2 was due',
    '/c was written at 3, but what stands there is of nothing',
  ])
  await store.close()
})

test('a store can be verified and backed up beside its owner', async () => {
  const clock = new VirtualClock()
  const store = await openLmdbStore({ directory, clock })
  await createAll(store, ['/a', '/b'])
  const value = bytes('e')
  await store.commit({ type: 'create', key: '/e', value, ttlMs: 60_000 })
  const reader = await openStore(`lmdb://${directory}`, { clock, isReader: true })
  await createAll(store, ['/later'])
  const file = join(directory, 'backup')
  expect(await backUpStore(reader, file)).toEqual({ revision: 3, entries: 3 })
  expect(await problems(reader)).toEqual([])
  expect(await codeOf(reader.commit({ type: 'create', key: '/x', value }))).toBe('invalid')
  await reader.close()
  expect(await codeOf(reader.get('/a'))).toBe('closed')
  expect(await restoreStore(store, file, { clock })).toMatchObject({ deleted: 1 })
  await store.close()
})

test('a directory without a store has nothing to read', async () => {
  const opening = openStore(`lmdb://${directory}/nothing`, { clock: new VirtualClock(), isReader: true })
  await expect(opening).rejects.toMatchObject({ name: 'StoreOpenError', code: 'unreadable' })
})

test('what it does can be read from its metrics', async () => {
  const registry = new Registry()
  const clock = new VirtualClock()
  const store = await openLmdbStore({ directory, clock, metrics: new StoreMetrics(registry) })
  await Promise.all([createAll(store, ['/a']), createAll(store, ['/b'])])
  await codeOf(store.commit({ type: 'create', key: '/a', value: bytes('x') }))
  const stop = new AbortController()
  const next = store.watch(keysUnder('/'), { after: store.head(), signal: stop.signal })[Symbol.asyncIterator]().next()
  const text = await registry.metrics()
  stop.abort()
  await next
  expect(text).toContain('holdfast_store_commits_total{type="create",outcome="done"} 2')
  expect(text).toContain('holdfast_store_commits_total{type="create",outcome="exists"} 1')
  expect(text).toContain('holdfast_store_group_size_sum 2')
  expect(text).toContain('holdfast_store_revision 2')
  expect(text).toContain('holdfast_store_watchers 1')
  expect(text).toContain('holdfast_store_history_changes 2')
  await store.close()
})

/** Trimming goes on in the background, on a real disk. */
async function untilCode(call: () => Promise<unknown>, code: string): Promise<void> {
  while ((await codeOf(call())) !== code) await new Promise(resolve => setImmediate(resolve))
}
