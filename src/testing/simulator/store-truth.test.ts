import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { memoryStore } from '../../store/memory/memory-store.ts'
import { followStore } from './store-truth.ts'

const bytes = (object: object): Uint8Array => Buffer.from(JSON.stringify(object))

test('what is written under a prefix is told once each, in order, with what stood there before', async () => {
  const clock = new VirtualClock()
  const store = memoryStore({ clock })
  const told: unknown[] = []
  const stop = new AbortController()
  const following = followStore(store, {
    prefix: '/core/pods/',
    onChange: change => void told.push(change),
    signal: stop.signal,
  })
  const created = await store.commit({ type: 'create', key: '/core/pods/default/web-0', value: bytes({ life: 1 }) })
  await store.commit({ type: 'create', key: '/core/nodes/n1', value: bytes({}) })
  const key = '/core/pods/default/web-0'
  const updated = await store.commit({ type: 'update', key, value: bytes({ life: 2 }), ifRevision: created })
  await store.commit({ type: 'delete', key, ifRevision: updated })
  await clock.rest()
  expect(told).toEqual([
    { type: 'added', object: { life: 1 }, previous: undefined },
    { type: 'modified', object: { life: 2 }, previous: { life: 1 } },
    { type: 'deleted', object: { life: 2 }, previous: { life: 2 } },
  ])
  stop.abort()
  await following.catch(() => {})
})
