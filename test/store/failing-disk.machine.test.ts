import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { problems } from '../../src/store/contract/store-under-test.ts'
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts'
import { keysUnder, StoreError } from '../../src/store/store.ts'
import { testAsRoot } from '../needs-root.ts'
import { stampedValue, stampOf } from './stamped-value.ts'

const DISK = '256m'
const [ROOM, MORE_ROOM] = ['12m', '300m']
const WRITERS = 16

/**
 * A disk of 256 MiB that can hold no more than 12: its file system has room, but what it writes beyond that fails, late and
 * anywhere, when it is flushed. Only root can make one.
 */
function failingDisk(): { readonly directory: string; repair(): void } & Disposable {
  const base = mkdtempSync(join(tmpdir(), 'holdfast-disk-'))
  const [backing, directory] = [join(base, 'backing'), join(base, 'mounted')]
  const image = join(backing, 'image')
  for (const folder of [backing, directory]) mkdirSync(folder)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOM}`, 'tmpfs', backing])
  execFileSync('truncate', ['-s', DISK, image])
  execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', '-E', 'lazy_itable_init=1', image])
  execFileSync('mount', ['-o', 'loop,errors=continue', image, directory])
  return {
    directory,
    repair: () => void execFileSync('mount', ['-o', `remount,size=${MORE_ROOM}`, backing]),
    [Symbol.dispose]() {
      execFileSync('umount', [directory])
      execFileSync('umount', [backing])
      rmSync(base, { recursive: true })
    },
  }
}

testAsRoot(
  'a disk that fails while it is written is told, tears nothing, and is written again once it works',
  async () => {
    using disk = failingDisk()
    const directory = join(disk.directory, 'store')
    let store = await openLmdbStore({ directory, clock: systemClock })
    await using _ = { [Symbol.asyncDispose]: () => store.close() }
    const answered = new Map<string, number>()
    const failures: unknown[] = []
    let stamp = 0
    const write = async (): Promise<void> => {
      const key = `/k/${++stamp}`
      const value = stampedValue(stamp)
      await store.commit({ type: 'create', key, value })
      answered.set(key, stampOf(value))
    }
    const writeUntilRefused = async (): Promise<void> => {
      for (;;) await write()
    }
    const check = async (): Promise<void> => {
      const { entries } = await store.list(keysUnder('/k/'), { limit: 100_000 })
      const found = new Map(entries.map(entry => [entry.key, entry.value]))
      for (const [key, expected] of answered) expect(stampOf(found.get(key)!), key).toBe(expected)
      for (const value of found.values()) expect(Buffer.compare(value, stampedValue(stampOf(value)))).toBe(0)
      expect(await problems(store)).toEqual([])
    }
    // The disk fails, as often as one asks
    await Promise.all(Array.from({ length: WRITERS }, () => writeUntilRefused().catch(error => failures.push(error))))
    for (let again = 0; again < 50; again++) await write().catch(error => failures.push(error))
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(StoreError)
      expect(['full', 'unavailable']).toContain((failure as StoreError).code)
    }
    expect(failures.length).toBeGreaterThanOrEqual(WRITERS)
    expect(answered.size).toBeGreaterThan(100)
    const head = store.head()
    await check()
    // It works again, without a restart, once the kernel has told of what had failed by then
    disk.repair()
    let refusals = 0
    while (await write().catch(() => 'refused')) expect(++refusals).toBeLessThan(5)
    for (let more = 0; more < 100; more++) await write()
    expect(store.head()).toBeGreaterThan(head)
    await check()
    // And after a restart
    await store.close()
    store = await openLmdbStore({ directory, clock: systemClock })
    await check()
    await write()
    await store.close()
  },
)
