import { expect, test } from 'vitest'
import { keysUnder, revision } from '../store.ts'
import { bytes, codeOf, collect, createAll, listed, type OpenForTest, problems, textOf } from './store-under-test.ts'

export function testOldRevisions(open: OpenForTest): void {
  test('a read at an old revision sees what stood there then', async () => {
    await using opened = await open()
    const { store } = opened
    const [a] = await createAll(store, ['/a'])
    const b = await store.commit({ type: 'update', key: '/a', value: bytes('two'), ifRevision: a! })
    const c = await store.commit({ type: 'delete', key: '/a', ifRevision: b })
    const d = await store.commit({ type: 'create', key: '/a', value: bytes('four') })
    const seen = await Promise.all([a!, b, c, d].map(at => store.get('/a', at)))
    expect(seen.map(entry => entry && textOf(entry.value))).toEqual(['/a', 'two', undefined, 'four'])
    const counts = await Promise.all([a!, c, d].map(at => store.list(keysUnder('/'), { at, limit: 9 })))
    expect(counts.map(page => page.entries.length)).toEqual([1, 0, 1])
    expect(counts.map(page => page.revision)).toEqual([a, c, d])
  })

  test('compaction forgets what lies below the mark and nothing else', async () => {
    await using opened = await open()
    const { store } = opened
    const [a, b] = await createAll(store, ['/a', '/b'])
    const c = await store.commit({ type: 'update', key: '/a', value: bytes('two'), ifRevision: a! })
    const d = await store.commit({ type: 'delete', key: '/b', ifRevision: b! })
    await store.compact(c)
    expect(await codeOf(store.get('/a', b))).toBe('compacted')
    expect(await codeOf(store.list(keysUnder('/'), { at: b!, limit: 1 }))).toBe('compacted')
    expect(textOf((await store.get('/a', c))!.value)).toBe('two')
    expect(await store.get('/b', c)).toMatchObject({ modRevision: b })
    await store.compact(d)
    expect(await listed(store, keysUnder('/'))).toEqual(['/a'])
    expect(await store.get('/b', d)).toBeUndefined()
    await store.compact(a!) // Below an earlier mark: nothing to do.
    expect(await problems(store)).toEqual([])
  })

  test('a revision that has not happened yet cannot be read or compacted', async () => {
    await using opened = await open()
    const { store } = opened
    await createAll(store, ['/a'])
    const ahead = revision(store.head() + 1000)
    expect(await codeOf(store.get('/a', ahead))).toBe('future')
    expect(await codeOf(store.list(keysUnder('/'), { at: ahead, limit: 1 }))).toBe('future')
    expect(await codeOf(store.compact(ahead))).toBe('future')
    expect(await codeOf(collect(store, { after: ahead, count: 1 }))).toBe('future')
  })

  test('at revision 0 nothing is there, until it is compacted', async () => {
    await using opened = await open()
    const { store } = opened
    const [a] = await createAll(store, ['/a'])
    if ((await store.mark()) === 0) {
      expect(await store.get('/a', revision(0))).toBeUndefined()
      expect((await store.list(keysUnder('/'), { at: revision(0), limit: 1 })).entries).toEqual([])
    }
    await store.compact(a!)
    expect(await codeOf(store.get('/a', revision(0)))).toBe('compacted')
  })
}
