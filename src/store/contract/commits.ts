import { expect, test } from 'vitest'
import { keysUnder, revision } from '../store.ts'
import { bytes, codeOf, createAll, listed, type OpenForTest } from './store-under-test.ts'

export function testCommits(open: OpenForTest): void {
  test('revisions grow with each write, and head is the last', async () => {
    await using opened = await open()
    const before = opened.store.head()
    const made = await createAll(opened.store, ['/a', '/b', '/c'])
    expect(made).toEqual([...new Set(made)].sort((a, b) => a - b))
    expect(made[0]).toBeGreaterThan(before)
    expect(opened.store.head()).toBe(made[2])
  })

  test('a write whose condition does not hold writes nothing and says what stands there', async () => {
    await using opened = await open()
    const { store } = opened
    const [created] = await createAll(store, ['/a'])
    const wrong = revision(created! + 1000)
    expect(await codeOf(store.commit({ type: 'create', key: '/a', value: bytes('x') }))).toBe('exists')
    expect(await codeOf(store.commit({ type: 'update', key: '/a', value: bytes('x'), ifRevision: wrong }))).toBe(
      'conflict',
    )
    expect(await codeOf(store.commit({ type: 'delete', key: '/a', ifRevision: wrong }))).toBe('conflict')
    expect(await codeOf(store.commit({ type: 'update', key: '/b', value: bytes('x'), ifRevision: wrong }))).toBe(
      'absent',
    )
    expect(await codeOf(store.commit({ type: 'delete', key: '/b', ifRevision: wrong }))).toBe('absent')
    expect(await codeOf(store.commit({ type: 'update', key: '/b', value: bytes('x'), ifRevision: revision(0) }))).toBe(
      'absent',
    )
    const conflict = await store.commit({ type: 'delete', key: '/a', ifRevision: wrong }).catch(error => error)
    expect(conflict.current?.modRevision).toBe(created)
    expect(store.head()).toBe(created)
    expect(await listed(store, keysUnder('/'))).toEqual(['/a'])
  })

  test('of many writers that expect the same revision exactly one succeeds', async () => {
    await using opened = await open()
    const { store } = opened
    const [created] = await createAll(store, ['/a'])
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        codeOf(store.commit({ type: 'update', key: '/a', value: bytes(`${i}`), ifRevision: created! })),
      ),
    )
    expect(outcomes.filter(code => code === undefined)).toHaveLength(1)
    expect(outcomes.filter(code => code === 'conflict')).toHaveLength(19)
    expect((await store.get('/a'))?.version).toBe(2)
  })

  test('a key that was deleted begins anew', async () => {
    await using opened = await open()
    const { store } = opened
    const [created] = await createAll(store, ['/a'])
    const deleted = await store.commit({ type: 'delete', key: '/a', ifRevision: created! })
    expect(await store.get('/a')).toBeUndefined()
    expect(deleted).toBeGreaterThan(created!)
    const again = await store.commit({ type: 'create', key: '/a', value: bytes('again') })
    expect(await store.get('/a')).toMatchObject({ createRevision: again, modRevision: again, version: 1 })
  })

  test('writes made at once all happen, each with its own revision', async () => {
    await using opened = await open()
    const keys = Array.from({ length: 200 }, (_, i) => `/p/${String(i).padStart(3, '0')}`)
    const made = await Promise.all(keys.map(key => opened.store.commit({ type: 'create', key, value: bytes(key) })))
    expect(new Set(made).size).toBe(200)
    expect(await listed(opened.store, keysUnder('/p/'))).toEqual(keys)
    expect(opened.store.head()).toBe(Math.max(...made))
  })
}
