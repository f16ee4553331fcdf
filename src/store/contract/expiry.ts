import { expect, test } from 'vitest'
import { revisionOf } from '../changes.ts'
import { keysUnder } from '../store.ts'
import { all, bytes, collect, createAll, listed, type OpenForTest } from './store-under-test.ts'

export function testExpiry(open: OpenForTest): void {
  test('a key expires as one more revision that watchers see', async () => {
    await using opened = await open()
    const { store } = opened
    const made = await store.commit({ type: 'create', key: '/events/a', value: bytes('e'), ttlMs: 60_000 })
    await createAll(store, ['/pods/a'])
    const watched = collect(store, { after: store.head(), count: 1 })
    await opened.advance(59_000)
    expect(await store.get('/events/a')).toBeDefined()
    await opened.advance(2_000)
    const [change] = await watched
    expect(change).toMatchObject({ type: 'delete', key: '/events/a', previous: { modRevision: made } })
    expect(await listed(store, keysUnder('/'))).toEqual(['/pods/a'])
    expect(store.head()).toBe(revisionOf(change!))
  })

  test('each write decides anew when its key expires', async () => {
    await using opened = await open()
    const { store } = opened
    const value = bytes('e')
    const longer = await store.commit({ type: 'create', key: '/longer', value, ttlMs: 60_000 })
    const forever = await store.commit({ type: 'create', key: '/forever', value, ttlMs: 60_000 })
    await store.commit({ type: 'create', key: '/marker', value, ttlMs: 90_000 })
    await store.commit({ type: 'update', key: '/longer', value, ifRevision: longer, ttlMs: 120_000 })
    await store.commit({ type: 'update', key: '/forever', value, ifRevision: forever })
    const before = store.head()
    await opened.advance(100_000)
    await collect(store, { after: before, count: 1 })
    expect(await listed(store, keysUnder('/'))).toEqual(['/forever', '/longer'])
    await opened.advance(30_000)
    await collect(store, { after: before, count: 2 })
    expect(await listed(store, keysUnder('/'))).toEqual(['/forever'])
  })

  test('expiries that still hold can be listed', async () => {
    await using opened = await open()
    const { store } = opened
    const value = bytes('e')
    const a = await store.commit({ type: 'create', key: '/a', value, ttlMs: 60_000 })
    const b = await store.commit({ type: 'create', key: '/b', value, ttlMs: 60_000 })
    await store.commit({ type: 'update', key: '/b', value, ifRevision: b })
    const expiries = await all(store.expiries())
    expect(expiries.map(({ key, modRevision }) => ({ key, modRevision }))).toEqual([{ key: '/a', modRevision: a }])
  })
}
