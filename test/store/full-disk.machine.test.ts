import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { codeOf, problems } from '../../src/store/contract/store-under-test.ts'
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts'
import { keysUnder } from '../../src/store/store.ts'
import { testAsRoot } from '../needs-root.ts'
import { stampedValue, stampOf } from './stamped-value.ts'

const DISK_BYTES = 24 * 1024 * 1024
const BALLAST_BYTES = 8 * 1024 * 1024
const WRITERS = 16

/** A small file system of its own. Only root can mount one. */
function mountDisk(): { readonly directory: string } & Disposable {
  const base = mkdtempSync(join(tmpdir(), 'holdfast-disk-'))
  const [image, directory] = [join(base, 'image'), join(base, 'mounted')]
  mkdirSync(directory)
  execFileSync('truncate', ['-s', String(DISK_BYTES), image])
  execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', image])
  execFileSync('mount', ['-o', 'loop', image, directory])
  return {
    directory,
    [Symbol.dispose]() {
      execFileSync('umount', [directory])
      rmSync(base, { recursive: true })
    },
  }
}

testAsRoot('a full disk refuses writes in words, tears nothing, and is forgiven once there is room', async () => {
  using disk = mountDisk()
  const ballast = join(disk.directory, 'ballast')
  writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES, 1))
  const directory = join(disk.directory, 'store')
  let store = await openLmdbStore({ directory, clock: systemClock })
  const answered = new Map<string, number>()
  await using _ = { [Symbol.asyncDispose]: () => store.close() }
  let stamp = 0
  const writeUntilFull = async (): Promise<string | undefined> => {
    for (;;) {
      const key = `/k/${++stamp}`
      const value = stampedValue(stamp)
      const code = await codeOf(store.commit({ type: 'create', key, value }))
      if (code) return code
      answered.set(key, Number(key.slice(3)))
    }
  }
  const check = async (): Promise<void> => {
    const { entries } = await store.list(keysUnder('/k/'), { limit: 100_000 })
    expect(entries.map(entry => entry.key).sort()).toEqual([...answered.keys()].sort())
    for (const { key, value } of entries) {
      expect(stampOf(value)).toBe(answered.get(key))
      expect(Buffer.compare(value, stampedValue(stampOf(value)))).toBe(0)
    }
    expect(await problems(store)).toEqual([])
  }
  // Full, as often as one asks
  const codes = await Promise.all(Array.from({ length: WRITERS }, writeUntilFull))
  expect(new Set(codes)).toEqual(new Set(['full']))
  expect(await writeUntilFull()).toBe('full')
  const head = store.head()
  await check()
  // Also after a restart
  await store.close()
  store = await openLmdbStore({ directory, clock: systemClock })
  expect(store.head()).toBe(head)
  await check()
  // Room again
  rmSync(ballast)
  const more = await store.commit({ type: 'create', key: '/k/0', value: stampedValue(7_000_000) })
  answered.set('/k/0', 7_000_000)
  expect(more).toBe(head + 1)
  await check()
  await store.close()
})
