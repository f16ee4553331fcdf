import { expect, test } from 'vitest'
import { keysUnder, revision } from '../store.ts'
import {
  bytes,
  codeOf,
  collect,
  createAll,
  described,
  listed,
  type OpenForTest,
  problems,
  textOf,
} from './store-under-test.ts'

export function testLifetime(open: OpenForTest): void {
  test('closing ends watches, and every later call', async () => {
    await using opened = await open()
    const { store } = opened
    const watching = codeOf(collect(store, { after: store.head(), count: 1 }))
    await store.close()
    expect(await watching).toBe('closed')
    expect(await codeOf(store.get('/a'))).toBe('closed')
    expect(await codeOf(store.list(keysUnder('/'), { limit: 1 }))).toBe('closed')
    expect(await codeOf(store.commit({ type: 'create', key: '/a', value: bytes('x') }))).toBe('closed')
    expect(await codeOf(store.compact(revision(0)))).toBe('closed')
    expect(await codeOf(collect(store, { after: revision(0), count: 1 }))).toBe('closed')
    await store.close()
  })

  test('closing waits for commits under way', async () => {
    await using opened = await open()
    if (!opened.reopen) return
    const commits = createAll(opened.store, ['/a'])
    const store = await opened.reopen()
    const outcome = await codeOf(commits)
    expect(await listed(store, keysUnder('/'))).toEqual(outcome === undefined ? ['/a'] : [])
  })

  test('what was written, its history and its expiry outlive the process', async () => {
    await using opened = await open()
    if (!opened.reopen) return
    const [a, b] = await createAll(opened.store, ['/a', '/b'])
    const c = await opened.store.commit({ type: 'update', key: '/a', value: bytes('two'), ifRevision: a! })
    const d = await opened.store.commit({ type: 'create', key: '/e', value: bytes('e'), ttlMs: 60_000 })
    const store = await opened.reopen()
    expect(store.head()).toBeGreaterThanOrEqual(d)
    expect(textOf((await store.get('/a', b))!.value)).toBe('/a')
    expect((await collect(store, { after: b!, count: 2 })).map(described)).toEqual([
      `put /a@${c} v2 was ${a}`,
      `put /e@${d} v1`,
    ])
    const watched = collect(store, { after: d, count: 1 })
    await opened.advance(61_000)
    expect((await watched)[0]).toMatchObject({ type: 'delete', key: '/e' })
    expect(await store.commit({ type: 'create', key: '/f', value: bytes('f') })).toBeGreaterThan(d)
  })

  test('after an advance revisions go on above it, and older ones are forgotten', async () => {
    await using opened = await open()
    const { store } = opened
    const [a] = await createAll(store, ['/a'])
    const to = revision(store.head() + 500)
    await store.advance(to)
    expect(store.head()).toBeGreaterThanOrEqual(to)
    expect(await listed(store, keysUnder('/'))).toEqual(['/a'])
    expect(await codeOf(collect(store, { after: a!, count: 1 }))).toBe('compacted')
    expect(await store.commit({ type: 'create', key: '/b', value: bytes('b') })).toBeGreaterThan(to)
  })

  test('a sound store has no broken invariants', async () => {
    await using opened = await open()
    const { store } = opened
    const made = await createAll(store, ['/a', '/b', '/c'])
    await store.commit({ type: 'delete', key: '/b', ifRevision: made[1]! })
    await store.commit({ type: 'update', key: '/c', value: bytes('2'), ifRevision: made[2]!, ttlMs: 1000 })
    expect(await problems(store)).toEqual([])
  })
}
