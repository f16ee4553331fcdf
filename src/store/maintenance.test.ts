import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { BackupError } from './backup-file.ts'
import { bytes, codeOf, collect, createAll, listed, problems, textOf } from './contract/store-under-test.ts'
import type { StoreDriver } from './driver.ts'
import { openLmdbStore } from './lmdb/lmdb-store.ts'
import { backUpStore, compactStore, restoreStore } from './maintenance.ts'
import { memoryStore } from './memory/memory-store.ts'
import { EVERY_KEY } from './store.ts'

let directory: string
let file: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-maintenance-'))
  file = join(directory, 'backup')
})
afterEach(() => rm(directory, { recursive: true }))

const drivers: Record<string, (clock: VirtualClock) => Promise<StoreDriver>> = {
  memory: async clock => memoryStore({ clock }),
  lmdb: clock => openLmdbStore({ directory: join(directory, 'store'), clock }),
}

describe.each(Object.entries(drivers))('%s', (_, open) => {
  test('a restore into a new store brings everything back, above every revision that was seen', async () => {
    const clock = new VirtualClock()
    const lost = memoryStore({ clock })
    await createAll(
      lost,
      Array.from({ length: 1200 }, (_, i) => `/pods/${i}`),
    )
    await lost.commit({ type: 'create', key: '/empty', value: new Uint8Array() })
    const backup = await backUpStore(lost, file)
    const [afterBackup] = await createAll(lost, ['/lost'])

    const store = await open(clock)
    const outcome = await restoreStore(store, file, { clock })
    expect(backup).toEqual({ revision: 1201, entries: 1201 })
    expect(outcome).toMatchObject({ written: 1201, deleted: 0, revision: store.head() })
    const { entries } = await store.list(EVERY_KEY, { limit: 5000 })
    expect(entries).toHaveLength(1201)
    for (const entry of entries) expect(textOf(entry.value)).toBe(entry.key === '/empty' ? '' : entry.key)
    expect(Math.min(...entries.map(entry => entry.modRevision))).toBeGreaterThan(afterBackup!)
    expect(await codeOf(collect(store, { after: afterBackup!, count: 1 }))).toBe('compacted')
    expect(await problems(store)).toEqual([])
    await store.close()
  })

  test('a restore of a running store shows its watchers the differences and nothing else', async () => {
    const clock = new VirtualClock()
    const store = await open(clock)
    const [, changed] = await createAll(store, ['/same', '/changed', '/deleted'])
    await backUpStore(store, file)
    await store.commit({ type: 'update', key: '/changed', value: bytes('later'), ifRevision: changed! })
    await store.commit({ type: 'delete', key: '/deleted', ifRevision: (await store.get('/deleted'))!.modRevision })
    const [added] = await createAll(store, ['/added'])
    const watched = collect(store, { after: added!, count: 3 })
    expect(await restoreStore(store, file, { clock })).toMatchObject({ written: 2, deleted: 1 })
    const seen = (await watched).map(change => (change.type === 'put' ? change.entry.key : `-${change.key}`))
    expect(seen.sort()).toEqual(['-/added', '/changed', '/deleted'])
    expect(await listed(store)).toEqual(['/changed', '/deleted', '/same'])
    expect(await restoreStore(store, file, { clock })).toMatchObject({ written: 0, deleted: 0 })
    await store.close()
  })

  test('what would have expired before the restore does not come back, the rest expires in time', async () => {
    const clock = new VirtualClock()
    const old = memoryStore({ clock })
    await old.commit({ type: 'create', key: '/soon', value: bytes('e'), ttlMs: 10_000 })
    await old.commit({ type: 'create', key: '/later', value: bytes('e'), ttlMs: 60_000 })
    await backUpStore(old, file)
    await clock.advance(30_000)
    const store = await open(clock)
    await restoreStore(store, file, { clock })
    expect(await listed(store)).toEqual(['/later'])
    const gone = collect(store, { after: store.head(), count: 1 })
    await clock.advance(31_000)
    expect(await gone).toMatchObject([{ type: 'delete', key: '/later' }])
    await store.close()
  })

  test('compacting forgets all history', async () => {
    const store = await open(new VirtualClock())
    const [a] = await createAll(store, ['/a', '/b'])
    expect(await compactStore(store)).toBe(store.head())
    expect(await codeOf(store.get('/a', a))).toBe('compacted')
    await store.close()
  })
})

test('a backup that was cut short or altered is refused, and nothing is touched', async () => {
  const clock = new VirtualClock()
  const store = memoryStore({ clock })
  await createAll(store, ['/a', '/b', '/c'])
  await backUpStore(store, file)
  const text = await readFile(file, 'utf8')
  const lines = text.split('\n')
  const damaged = [
    '',
    'what is this\n',
    text.slice(0, -20),
    lines.slice(0, 3).join('\n'),
    text.replace('"/b"', '"/B"'),
    [lines[0], ...lines.slice(2)].join('\n'),
  ]
  const before = store.head()
  for (const content of damaged) {
    await writeFile(file, content)
    await expect(restoreStore(store, file, { clock })).rejects.toThrow(BackupError)
  }
  expect(store.head()).toBe(before)
})

test('a backup does not overwrite a file', async () => {
  await writeFile(file, 'precious')
  await expect(backUpStore(memoryStore({ clock: new VirtualClock() }), file)).rejects.toThrow(/EEXIST/)
  expect(await readFile(file, 'utf8')).toBe('precious')
})
