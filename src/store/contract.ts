import { expect, test } from 'vitest'
import { revisionOf } from './changes.ts'
import type { StoreDriver } from './driver.ts'
import {
  type Batch,
  type Change,
  KEY_BYTES_MAX,
  type KeyRange,
  keysUnder,
  type Revision,
  revision,
  type Store,
  type StoreErrorCode,
  VALUE_BYTES_MAX,
  WATCH_BACKLOG_MAX,
} from './store.ts'

/** One store for one test, gone when the test is over. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: StoreDriver
  /** Moves the clock that was handed to the store. */
  advance(ms: number): Promise<void>
  /** Closes the store and opens it again on the same storage. Absent where nothing outlives the process. */
  reopen?(): Promise<StoreDriver>
}

export type OpenForTest = () => Promise<StoreUnderTest>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (value: Uint8Array): string => new TextDecoder().decode(value)

/** What every driver promises, as tests. A promise that is not here is not one. */
export function testStoreContract(open: OpenForTest): void {
  testReads(open)
  testCommits(open)
  testOldRevisions(open)
  testWatches(open)
  testExpiry(open)
  testBounds(open)
  testLifetime(open)
}

function testReads(open: OpenForTest): void {
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

function testCommits(open: OpenForTest): void {
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

function testOldRevisions(open: OpenForTest): void {
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

function testWatches(open: OpenForTest): void {
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

function testExpiry(open: OpenForTest): void {
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

function testBounds(open: OpenForTest): void {
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

function testLifetime(open: OpenForTest): void {
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

export const problems = (store: Store): Promise<string[]> => all(store.verify())

export async function createAll(store: Store, keys: readonly string[]): Promise<Revision[]> {
  const made: Revision[] = []
  for (const key of keys) made.push(await store.commit({ type: 'create', key, value: bytes(key) }))
  return made
}

export async function listed(store: Store, range: KeyRange = keysUnder('/')): Promise<string[]> {
  return (await store.list(range, { limit: 1000 })).entries.map(entry => entry.key)
}

/** The first `count` changes of a watch. */
export async function collect(
  store: Store,
  { after, count, range = keysUnder('/') }: { after: Revision; count: number; range?: KeyRange },
): Promise<Change[]> {
  const stop = new AbortController()
  const seen: Change[] = []
  let last = after
  for await (const batch of store.watch(range, { after, signal: stop.signal })) {
    for (const change of batch.changes) expect(revisionOf(change)).toBeGreaterThan(last)
    expect(batch.revision).toBeGreaterThan(last)
    last = batch.revision
    seen.push(...batch.changes)
    if (seen.length >= count) stop.abort()
  }
  return seen
}

/** The code of the error that a call ends with; undefined if it succeeds. */
export async function codeOf(call: Promise<unknown>): Promise<StoreErrorCode | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    const { code } = error as { code?: StoreErrorCode }
    if (code === undefined) throw error
    return code
  }
}

const described = (change: Change): string => {
  const was = change.previous ? ` was ${change.previous.modRevision}` : ''
  return change.type === 'put'
    ? `put ${change.entry.key}@${change.entry.modRevision} v${change.entry.version}${was}`
    : `delete ${change.key}@${change.revision}${was}`
}

async function first(batches: AsyncIterable<Batch>): Promise<Batch | undefined> {
  for await (const batch of batches) return batch
  return undefined
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}
