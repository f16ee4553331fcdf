import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { testStoreContract } from '../contract.ts'
import { openLmdbStore } from './lmdb-store.ts'

testStoreContract(async () => {
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
})
