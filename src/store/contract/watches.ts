import { expect, test } from 'vitest'
import { revisionOf } from '../changes.ts'
import { type Batch, type Change, keysUnder, revision, WATCH_BACKLOG_MAX } from '../store.ts'
import { bytes, codeOf, collect, createAll, described, type OpenForTest, textOf } from './store-under-test.ts'

export function testWatches(open: OpenForTest): void {
  test('a watch tells of every change once and in order, with what stood there before', async () => {
    await using opened = await open()
    const { store } = opened
    const before = store.head()
    const [a] = await createAll(store, ['/a'])
    const watched = collect(store, { after: before, count: 4 })
    const b = await store.commit({ type: 'update', key: '/a', value: bytes('two'), ifRevision: a! })
    const c = await store.commit({ type: 'delete', key: '/a', ifRevision: b })
    const d = await store.commit({ type: 'create', key: '/a', value: bytes('again') })
    expect((await watched).map(described)).toEqual([
      `put /a@${a} v1`,
      `put /a@${b} v2 was ${a}`,
      `delete /a@${c} was ${b}`,
      `put /a@${d} v1`,
    ])
  })

  test('a watch sees only its range, from start up to but without end', async () => {
    await using opened = await open()
    const { store } = opened
    const before = store.head()
    const watched = collect(store, { after: before, count: 2, range: { start: '/b', end: '/d' } })
    const past = await createAll(store, ['/a', '/b', '/c', '/d'])
    const expected = [`put /b@${past[1]} v1`, `put /c@${past[2]} v1`]
    expect((await watched).map(described)).toEqual(expected)
    const resumed = await collect(store, { after: before, count: 2, range: { start: '/b', end: '/d' } })
    expect(resumed.map(described)).toEqual(expected)
  })

  test('a watch resumes at any revision without skipping or repeating', async () => {
    await using opened = await open()
    const { store } = opened
    const before = store.head()
    const made = await createAll(
      store,
      Array.from({ length: 12 }, (_, i) => `/k${i}`),
    )
    for (const [i, after] of [before, ...made].entries()) {
      if (i === made.length) continue
      const seen = await collect(store, { after, count: made.length - i })
      expect(seen.map(revisionOf)).toEqual(made.slice(i))
    }
  })

  test('a waiting reader learns that head has passed it by', async () => {
    await using opened = await open()
    const { store } = opened
    const stop = new AbortController()
    const batches = store
      .watch(keysUnder('/watched/'), { after: store.head(), signal: stop.signal })
      [Symbol.asyncIterator]()
    const first = batches.next()
    const [elsewhere] = await createAll(store, ['/elsewhere'])
    let batch = (await first).value as Batch
    while (batch.revision < elsewhere!) batch = (await batches.next()).value as Batch
    expect(batch.changes).toEqual([])
    stop.abort()
  })

  test('a watch returns when its signal is aborted', async () => {
    await using opened = await open()
    const { store } = opened
    const stop = new AbortController()
    const iterator = store.watch(keysUnder('/'), { after: store.head(), signal: stop.signal })[Symbol.asyncIterator]()
    const next = iterator.next()
    stop.abort()
    expect((await next).done).toBe(true)
  })

  test('a watch from below the compaction mark ends with compacted, one from the mark works', async () => {
    await using opened = await open()
    const { store } = opened
    const made = await createAll(store, ['/a', '/b', '/c'])
    await store.compact(made[1]!)
    expect(await codeOf(collect(store, { after: made[0]!, count: 1 }))).toBe('compacted')
    expect((await collect(store, { after: made[1]!, count: 1 })).map(described)).toEqual([`put /c@${made[2]} v1`])
  })

  test('what stood at a key is told even when it was written long before the mark', async () => {
    await using opened = await open()
    const { store } = opened
    const [a, b] = await createAll(store, ['/a', '/b'])
    const c = await store.commit({ type: 'update', key: '/a', value: bytes('two'), ifRevision: a! })
    await store.compact(b!)
    const [change] = await collect(store, { after: b!, count: 1 })
    expect(described(change!)).toBe(`put /a@${c} v2 was ${a}`)
    expect(change?.type === 'put' && textOf(change.entry.value)).toBe('two')
    expect(textOf(change!.previous!.value)).toBe('/a')
  })

  test('a reader too far behind is told so, and can resume from its last batch', async () => {
    await using opened = await open()
    const { store } = opened
    const before = store.head()
    const stop = new AbortController()
    const slow = store.watch(keysUnder('/'), { after: before, signal: stop.signal })[Symbol.asyncIterator]()
    const first = slow.next()
    const writes = WATCH_BACKLOG_MAX + 10
    const quick = store.watch(keysUnder('/'), { after: before, signal: stop.signal })[Symbol.asyncIterator]()
    let last = revision(0)
    for (let i = 0; i < writes; i++) {
      const value = bytes(`${i}`)
      last = await store.commit(
        i === 0 ? { type: 'create', key: '/a', value } : { type: 'update', key: '/a', value, ifRevision: last },
      )
      // Seen by the one, it waits for the other: so each is a batch of its own.
      while (((await quick.next()).value as Batch).revision < last);
    }
    const seen: Change[] = [...((await first).value as Batch).changes]
    let taken = ((await first).value as Batch).revision
    const code = await codeOf(
      (async () => {
        for (;;) {
          const { value } = await slow.next()
          seen.push(...(value as Batch).changes)
          taken = (value as Batch).revision
        }
      })(),
    )
    expect(code).toBe('behind')
    stop.abort()
    seen.push(...(await collect(store, { after: taken, count: writes - seen.length })))
    expect(seen.map(change => change.type === 'put' && change.entry.version)).toEqual(
      Array.from({ length: writes }, (_, i) => i + 1),
    )
  })
}
