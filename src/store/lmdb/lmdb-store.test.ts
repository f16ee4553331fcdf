import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { type OpenForTest, testStoreContract } from '../contract.ts'
import { checkAgainstModel } from '../model-based.ts'
import { openLmdbStore } from './lmdb-store.ts'

const open: OpenForTest = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-lmdb-'))
  const clock = new VirtualClock()
  let store = await openLmdbStore({ directory, clock })
  return {
    store,
    advance: ms => clock.advance(ms),
    async reopen() {
      await store.close()
      store = await openLmdbStore({ directory, clock })
      return store
    },
    async [Symbol.asyncDispose]() {
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
}

testStoreContract(open)

test('random histories look as those of the model', { timeout: 3_600_000 }, () =>
  checkAgainstModel(open, { histories: Number(process.env.STORE_MODEL_HISTORIES ?? 60) }),
)
