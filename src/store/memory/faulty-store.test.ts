import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { bytes, codeOf, listed } from '../contract/store-under-test.ts'
import type { Create } from '../store.ts'
import { type CommitFault, faultyStore } from './faulty-store.ts'
import { memoryStore } from './memory-store.ts'

const write: Create = { type: 'create', key: '/a', value: bytes('x') }

function storeWith(fault: CommitFault) {
  const clock = new VirtualClock()
  return { clock, store: faultyStore(memoryStore({ clock }), { clock, decide: () => fault }) }
}

test('a failing commit writes nothing', async () => {
  const { store } = storeWith({ type: 'fail', code: 'full' })
  expect(await codeOf(store.commit(write))).toBe('full')
  expect(await listed(store)).toEqual([])
})

test('a torn commit is written though its caller hears of a failure', async () => {
  const { store } = storeWith({ type: 'torn' })
  expect(await codeOf(store.commit(write))).toBe('unavailable')
  expect(await listed(store)).toEqual(['/a'])
})

test('a slow commit waits for the clock', async () => {
  const { store, clock } = storeWith({ type: 'slow', delayMs: 1000 })
  const commit = store.commit(write)
  await clock.advance(999)
  expect(await listed(store)).toEqual([])
  await clock.advance(1)
  expect(await commit).toBe(1)
})
