import fc from 'fast-check'
import { expect } from 'vitest'
import { keyOf, revisionOf } from './changes.ts'
import {
  bytes,
  codeOf,
  collect,
  type OpenForTest,
  problems,
  type StoreUnderTest,
  textOf,
} from './contract/store-under-test.ts'
import {
  type Change,
  type Create,
  type Delete,
  type Entry,
  type KeyRange,
  keysUnder,
  type Revision,
  revision,
  type Update,
} from './store.ts'
import { StoreModel } from './store-model.ts'

/** One step of a history. Numbers from 0 to 1 choose among what is there when the step is taken. */
type Step =
  | { readonly type: 'write'; readonly writes: readonly Draft[] }
  | { readonly type: 'read'; readonly key: string; readonly at: number }
  | { readonly type: 'list'; readonly range: KeyRange; readonly at: number; readonly limit: number }
  | { readonly type: 'watch'; readonly range: KeyRange; readonly after: number }
  | { readonly type: 'compact'; readonly mark: number }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'reopen' }

interface Draft {
  readonly type: 'create' | 'update' | 'delete'
  readonly key: string
  readonly text: string
  readonly isStale: boolean
  readonly ttlMs: number | undefined
}

const KEYS = ['/a', '/a/b', '/ab', '/b', '/c/1', '/c/2', '/\uffee', '/😀']
const key = fc.constantFrom(...KEYS)
const fraction = fc.double({ min: 0, max: 1, noNaN: true })
const draft: fc.Arbitrary<Draft> = fc.record({
  type: fc.constantFrom('create', 'update', 'delete'),
  key,
  text: fc.string({ maxLength: 12 }),
  isStale: fc.nat(4).map(chance => chance === 0),
  ttlMs: fc.option(
    fc.integer({ min: 1, max: 20 }).map(seconds => seconds * 1000),
    { nil: undefined, freq: 4 },
  ),
})
const range: fc.Arbitrary<KeyRange> = fc.oneof(
  fc.constant(keysUnder('/')),
  fc.constantFrom(...KEYS).map(keysUnder),
  fc.tuple(key, key).map(([start, end]) => ({ start, end })),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      writes: fc.array(draft, { minLength: 1, maxLength: 1 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      writes: fc.array(draft, { minLength: 2, maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('read' as const), key, at: fraction }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('list' as const),
      range,
      at: fraction,
      limit: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('watch' as const), range, after: fraction }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), mark: fraction }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 10_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'reopen' as const }) },
)

export interface ModelBasedOptions {
  readonly histories: number
  readonly stepsMax?: number
  /** Something that must make no difference, done before some steps: a restart of a server, say. */
  readonly disturb?: () => Promise<void>
  /** False where the clock cannot be moved. */
  readonly withExpiry?: boolean
}

/** Takes random histories on a store and on the model, and compares all that can be seen of them. */
export async function checkAgainstModel(
  open: OpenForTest,
  { histories, stepsMax = 40, disturb, withExpiry = true }: ModelBasedOptions,
): Promise<void> {
  const history = fc.array(step, { minLength: 1, maxLength: stepsMax })
  await fc.assert(
    fc.asyncProperty(history, fraction, async (steps, disturbedAt) => {
      await using opened = await open()
      const run = new Run(opened)
      for (const [i, next] of steps.entries()) {
        if (disturb && i === Math.floor(disturbedAt * steps.length)) await disturb()
        await run.take(withExpiry ? next : withoutExpiry(next))
      }
      await run.finish()
    }),
    { numRuns: histories, endOnFailure: histories > 1000 },
  )
}

function withoutExpiry(next: Step): Step {
  if (next.type === 'wait') return { type: 'watch', range: keysUnder('/'), after: 0 }
  if (next.type !== 'write') return next
  return { ...next, writes: next.writes.map(one => ({ ...one, ttlMs: undefined })) }
}

class Run {
  #store: StoreUnderTest['store']
  readonly #opened: StoreUnderTest
  readonly #model: StoreModel
  /** One watch that follows all along, besides those that come and go. */
  readonly #followed: Promise<Change[]>
  readonly #stop = new AbortController()
  #reopened = false

  constructor(opened: StoreUnderTest) {
    this.#opened = opened
    this.#store = opened.store
    this.#model = new StoreModel(opened.store.head())
    this.#followed = this.#follow()
  }

  async take(next: Step): Promise<void> {
    switch (next.type) {
      case 'write':
        return this.#write(next.writes)
      case 'read':
        return this.#read(next.key, this.#pick(next.at))
      case 'list':
        return this.#list(next.range, { at: this.#pick(next.at), limit: next.limit })
      case 'watch':
        return this.#watch(next.range, this.#pick(next.after))
      case 'compact':
        return this.#compact(this.#pick(next.mark))
      case 'wait':
        return this.#wait(next.ms)
      case 'reopen':
        return this.#reopen()
    }
  }

  async finish(): Promise<void> {
    await this.#list(keysUnder('/'), { at: this.#model.head, limit: 100 })
    expect(await problems(this.#store)).toEqual([])
    if (!this.#reopened) await this.#caughtUp()
    this.#stop.abort()
    const followed = await this.#followed
    const all = this.#model.changes(keysUnder('/'), revision(0)).map(plainChange)
    expect(followed.map(plainChange)).toEqual(this.#reopened ? all.slice(0, followed.length) : all)
  }

  /** Also one above head, which is refused. */
  #pick(at: number): Revision {
    const { revisions, head } = this.#model
    const index = Math.floor(at * (revisions.length + 1))
    return revisions[index] ?? revision(head + 100_000)
  }

  async #write(drafts: readonly Draft[]): Promise<void> {
    const distinct = new Map(drafts.map(one => [one.key, this.#writeFrom(one)]))
    const done: { readonly write: Create | Update | Delete; readonly at: Revision }[] = []
    await Promise.all(
      [...distinct.values()].map(async write => {
        const refusal = this.#model.refusalOf(write)
        if (refusal) expect(await codeOf(this.#store.commit(write))).toBe(refusal)
        else done.push({ write, at: await this.#store.commit(write) })
      }),
    )
    for (const { write, at } of done.sort((a, b) => a.at - b.at)) {
      expect(at).toBeGreaterThan(this.#model.head)
      this.#model.apply(write, at)
    }
    if (this.#store.name !== 'etcd') expect(this.#store.head()).toBe(this.#model.head)
  }

  #writeFrom({ type, key, text, isStale, ttlMs }: Draft): Create | Update | Delete {
    const current = this.#model.find(key)
    // Conditions hold mostly, or little would ever be written.
    const isCreate = type === 'create' || (!current && !isStale)
    const ifRevision = revision(isStale ? 1 : (current?.modRevision ?? 1))
    const expiring = ttlMs === undefined ? {} : { ttlMs }
    if (isCreate && (isStale || !current)) return { type: 'create', key, value: bytes(text), ...expiring }
    if (type === 'delete') return { type: 'delete', key, ifRevision }
    return { type: 'update', key, value: bytes(text), ifRevision, ...expiring }
  }

  async #read(name: string, at: Revision): Promise<void> {
    const refusal = this.#model.unreadable(at)
    if (refusal) return void expect(await codeOf(this.#store.get(name, at))).toBe(refusal)
    const [expected] = this.#model.entries({ start: name, end: `${name}\0` }, at)
    const found = await this.#store.get(name, at)
    expect(found && plain(found)).toEqual(expected && plain(expected))
  }

  async #list(range: KeyRange, { at, limit }: { at: Revision; limit: number }): Promise<void> {
    const refusal = this.#model.unreadable(at)
    if (refusal) return void expect(await codeOf(this.#store.list(range, { at, limit }))).toBe(refusal)
    const entries: Entry[] = []
    let { start } = range
    for (;;) {
      const page = await this.#store.list({ start, end: range.end }, { at, limit })
      expect(page.entries.length).toBeLessThanOrEqual(limit)
      entries.push(...page.entries)
      if (page.next === undefined) break
      expect(page.entries.length).toBeGreaterThan(0)
      start = page.next
    }
    expect(entries.map(plain)).toEqual(this.#model.entries(range, at).map(plain))
  }

  async #watch(watched: KeyRange, after: Revision): Promise<void> {
    const refusal = this.#model.unreadable(after)
    if (refusal)
      return void expect(await codeOf(collect(this.#store, { after, count: 1, range: watched }))).toBe(refusal)
    const expected = this.#model.changes(watched, after).map(plainChange)
    if (expected.length === 0) return
    const seen = await collect(this.#store, { after, count: expected.length, range: watched })
    expect(seen.map(plainChange)).toEqual(expected)
  }

  async #compact(mark: Revision): Promise<void> {
    if (mark > this.#model.head) return void expect(await codeOf(this.#store.compact(mark))).toBe('future')
    await this.#store.compact(mark)
    this.#model.compact(mark)
  }

  async #wait(ms: number): Promise<void> {
    const due = this.#model.advance(ms)
    const before = this.#model.head
    await this.#opened.advance(ms)
    if (due.length === 0) return
    const seen = await collect(this.#store, { after: before, count: due.length })
    expect(seen.map(keyOf).sort()).toEqual(due.map(deadline => deadline.key).sort())
    for (const change of seen) {
      const ifRevision = due.find(deadline => deadline.key === keyOf(change))!.modRevision
      this.#model.apply({ type: 'delete', key: keyOf(change), ifRevision }, revisionOf(change))
    }
  }

  async #reopen(): Promise<void> {
    if (!this.#opened.reopen) return
    this.#reopened = true
    this.#store = await this.#opened.reopen()
    expect(this.#store.head()).toBeGreaterThanOrEqual(this.#model.head)
  }

  async #follow(): Promise<Change[]> {
    const seen: Change[] = []
    const { signal } = this.#stop
    const ended = await codeOf(
      (async () => {
        for await (const batch of this.#opened.store.watch(keysUnder('/'), {
          after: this.#opened.store.head(),
          signal,
        })) {
          seen.push(...batch.changes)
          this.#followedTo = batch.revision
          this.#onFollowed?.()
        }
      })(),
    )
    expect([undefined, 'closed']).toContain(ended)
    return seen
  }

  #followedTo = revision(0)
  #onFollowed: (() => void) | undefined

  async #caughtUp(): Promise<void> {
    if (this.#model.revisions.length === 1) return
    while (this.#followedTo < this.#model.head)
      await new Promise<void>(resolve => {
        this.#onFollowed = resolve
      })
  }
}

const plain = (entry: Entry): object => ({ ...entry, value: textOf(entry.value) })

const plainChange = (change: Change): object => ({
  type: change.type,
  ...(change.type === 'put' ? plain(change.entry) : { key: change.key, revision: change.revision }),
  previous: change.previous && plain(change.previous),
})
