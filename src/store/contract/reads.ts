import { expect, test } from 'vitest'
import { keysUnder } from '../store.ts'
import { bytes, createAll, listed, type OpenForTest, textOf } from './store-under-test.ts'

export function testReads(open: OpenForTest): void {
  test('a key that was never written is not there', async () => {
    await using opened = await open()
    expect(await opened.store.get('/pods/a')).toBeUndefined()
    expect(await listed(opened.store)).toEqual([])
  })

  test('an entry carries its value, the revisions that made it and how often it was written', async () => {
    await using opened = await open()
    const { store } = opened
    const created = await store.commit({ type: 'create', key: '/pods/a', value: bytes('one') })
    const updated = await store.commit({ type: 'update', key: '/pods/a', value: bytes('two'), ifRevision: created })
    const entry = await store.get('/pods/a')
    expect(entry && { ...entry, value: textOf(entry.value) }).toEqual({
      key: '/pods/a',
      value: 'two',
      createRevision: created,
      modRevision: updated,
      version: 2,
    })
  })

  test('keys are listed in the order of their UTF-8 bytes, from start up to but without end', async () => {
    await using opened = await open()
    const { store } = opened
    const keys = ['/a', '/a!', '/a/b', '/aa', '/b', '/é', '/\uffee', '/😀']
    for (const key of [...keys].reverse()) await store.commit({ type: 'create', key, value: bytes(key) })
    expect(await listed(store, keysUnder('/'))).toEqual(keys)
    expect(await listed(store, { start: '/a!', end: '/b' })).toEqual(['/a!', '/a/b', '/aa'])
    expect(await listed(store, { start: '/\uffee', end: '/😀' })).toEqual(['/\uffee'])
    expect(await listed(store, keysUnder('/😀'))).toEqual(['/😀'])
    expect(await listed(store, { start: '/b', end: '/a' })).toEqual([])
  })

  test('pages follow each other at one revision while others write', async () => {
    await using opened = await open()
    const { store } = opened
    const made = await createAll(store, ['/p/a', '/p/b', '/p/c', '/p/d', '/p/e'])
    const first = await store.list(keysUnder('/p/'), { limit: 2 })
    await store.commit({ type: 'create', key: '/p/bb', value: bytes('new') })
    await store.commit({ type: 'delete', key: '/p/c', ifRevision: made[2]! })
    await store.commit({ type: 'update', key: '/p/d', value: bytes('changed'), ifRevision: made[3]! })
    const range = { start: first.next!, end: keysUnder('/p/').end }
    const second = await store.list(range, { at: first.revision, limit: 2 })
    const third = await store.list({ ...range, start: second.next! }, { at: first.revision, limit: 2 })
    const pages = [first, second, third]
    expect(pages.map(page => page.entries.map(entry => `${entry.key}=${textOf(entry.value)}`))).toEqual([
      ['/p/a=/p/a', '/p/b=/p/b'],
      ['/p/c=/p/c', '/p/d=/p/d'],
      ['/p/e=/p/e'],
    ])
    expect(pages.map(page => page.revision)).toEqual([first.revision, first.revision, first.revision])
    expect(third.next).toBeUndefined()
    if (first.remaining !== undefined) expect(first.remaining).toBe(3)
  })

  test('a page that holds the last key has no next', async () => {
    await using opened = await open()
    await createAll(opened.store, ['/p/a', '/p/b', '/q/c'])
    expect(await opened.store.list(keysUnder('/p/'), { limit: 2 })).not.toHaveProperty('next')
  })
}
