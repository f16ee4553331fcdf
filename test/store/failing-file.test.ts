import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { listed, problems } from '../../src/store/contract/store-under-test.ts'
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts'
import { keysUnder } from '../../src/store/store.ts'
import { stampedValue } from './stamped-value.ts'

const WRITER = new URL('failing-writer.ts', import.meta.url).pathname
/** In blocks of 512 bytes, as a shell counts them. */
const FILE_BLOCKS_MAX = 12_000

test('writes that the file system refuses midway fail in words, tear nothing, and work again when it allows them', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-failing-'))
  // The kernel cuts short the write that would make a file longer than the limit, and refuses those that follow.
  const program = `trap '' XFSZ; ulimit -f ${FILE_BLOCKS_MAX}; exec "$0" "$@"`
  const { stdout } = await promisify(execFile)('sh', ['-c', program, process.execPath, WRITER, directory])
  const told = JSON.parse(stdout.trim().split('\n').at(-1)!)
  expect(told.problems).toEqual([])
  expect(told.answered).toBeGreaterThan(100)
  expect(told.head).toBe(told.answered)
  for (const code of told.codes) expect(['full', 'unavailable']).toContain(code)

  const store = await openLmdbStore({ directory, clock: systemClock })
  expect(store.head()).toBe(told.head)
  expect(await store.commit({ type: 'create', key: '/more', value: stampedValue(1) })).toBe(told.head + 1)
  expect(await listed(store, keysUnder('/more'))).toEqual(['/more'])
  expect((await store.list(keysUnder('/k/'), { limit: 100_000 })).entries).toHaveLength(told.answered)
  expect(await problems(store)).toEqual([])
  await store.close()
  await rm(directory, { recursive: true })
})
