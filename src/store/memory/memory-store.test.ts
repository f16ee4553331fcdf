import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { bytes, codeOf, collect, createAll, type OpenForTest, problems } from '../contract/store-under-test.ts'
import { testStoreContract } from '../contract.ts'
import { checkAgainstModel } from '../model-based.ts'
import { keysUnder } from '../store.ts'
import { memoryStore } from './memory-store.ts'

const open: OpenForTest = async () => {
  const clock = new VirtualClock()
  const store = memoryStore({ clock })
  return { store, advance: ms => clock.advance(ms), [Symbol.asyncDispose]: () => store.close() }
}

testStoreContract(open)

test('random histories look as those of the model', { timeout: 600_000 }, () =>
  checkAgainstModel(open, { histories: Number(process.env.STORE_MODEL_HISTORIES ?? 300) }),
)

test('a long run keeps only its newest history', async () => {
  const store = memoryStore({ clock: new VirtualClock(), historyChangesMax: 100 })
  const made = await createAll(
    store,
    Array.from({ length: 400 }, (_, i) => `/k${i}`),
  )
  expect(await codeOf(collect(store, { after: made[10]!, count: 1 }))).toBe('compacted')
  expect(await collect(store, { after: made[350]!, count: 49 })).toHaveLength(49)
  expect((await store.list(keysUnder('/'), { limit: 1000 })).entries).toHaveLength(400)
  expect(await problems(store)).toEqual([])
})

test('a hundred thousand keys are written and listed without trouble', async () => {
  const store = memoryStore({ clock: new VirtualClock() })
  const value = bytes('x')
  for (let i = 0; i < 100_000; i++) await store.commit({ type: 'create', key: `/k/${(i * 7919) % 100_000}`, value })
  const page = await store.list(keysUnder('/k/5'), { limit: 10 })
  expect(page.entries).toHaveLength(10)
  expect(page.remaining).toBe(11_111 - 10)
})
