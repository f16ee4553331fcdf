import { expect, test } from 'vitest'
import { KEY_BYTES_MAX, keysUnder, revision, VALUE_BYTES_MAX } from '../store.ts'
import { bytes, codeOf, first, type OpenForTest } from './store-under-test.ts'

export function testBounds(open: OpenForTest): void {
  test('keys and values are accepted up to their size limits, empty values too', async () => {
    await using opened = await open()
    const { store } = opened
    const longest = `/${'é'.repeat((KEY_BYTES_MAX - 2) / 2)}x`
    const largest = new Uint8Array(VALUE_BYTES_MAX).fill(7)
    const made = await store.commit({ type: 'create', key: longest, value: largest })
    await store.commit({ type: 'create', key: '/empty', value: new Uint8Array() })
    expect(Buffer.compare((await store.get(longest))!.value, largest)).toBe(0)
    expect((await store.get('/empty'))!.value.byteLength).toBe(0)
    await store.commit({ type: 'update', key: longest, value: new Uint8Array(), ifRevision: made })
    expect((await store.get(longest, made))!.value.byteLength).toBe(VALUE_BYTES_MAX)
    expect((await store.get(longest))!.value.byteLength).toBe(0)
  })

  test('what lies outside its bounds is invalid, and writes nothing', async () => {
    await using opened = await open()
    const { store } = opened
    const value = bytes('x')
    const before = store.head()
    const none = new AbortController().signal
    const calls: Promise<unknown>[] = [
      store.commit({ type: 'create', key: '', value }),
      store.commit({ type: 'create', key: `/${'a'.repeat(KEY_BYTES_MAX)}`, value }),
      store.commit({ type: 'create', key: '/\ud800', value }),
      store.commit({ type: 'create', key: '/a\0b', value }),
      store.commit({ type: 'create', key: '/a', value: new Uint8Array(VALUE_BYTES_MAX + 1) }),
      store.commit({ type: 'create', key: '/a', value, ttlMs: 0 }),
      store.commit({ type: 'create', key: '/a', value, ttlMs: 1.5 }),
      store.commit({ type: 'update', key: '/a', value, ifRevision: revision(-1) }),
      store.get('', store.head()),
      store.get('/a', revision(-1)),
      store.get('/a', revision(0.5)),
      store.list(keysUnder('/'), { limit: 0 }),
      store.list(keysUnder('/'), { limit: -1 }),
      store.list(keysUnder('/'), { limit: 1.5 }),
      store.list({ start: '/\ud800', end: '/b' }, { limit: 1 }),
      store.list(keysUnder('/'), { at: revision(-1), limit: 1 }),
      store.compact(revision(-1)),
      first(store.watch(keysUnder('/'), { after: revision(-1), signal: none })),
    ]
    for (const call of calls) expect(await codeOf(call)).toBe('invalid')
    expect(store.head()).toBe(before)
  })
}
