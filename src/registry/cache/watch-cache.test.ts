import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { memoryStore } from '../../store/memory/memory-store.ts'
import { failureOf, namesOf, RegistryFixture } from '../registry-fixture.ts'
import { HISTORY_EVENTS_MAX } from './watch-cache.ts'
import { WATCHER_QUEUE_MAX } from './watcher.ts'

const open = (parts = {}): RegistryFixture =>
  new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1), ...parts })
const configMap = (name: string, labels = {}) => ({ metadata: { name, labels } })

test('every reader of a revision shares its object and its bytes', async () => {
  await using server = open()
  await server.create('configmaps', configMap('a'))
  const [first] = (await server.list('configmaps')).items
  const [second] = (await server.list('configmaps')).items
  expect(second!.object).toBe(first!.object)
  expect(second!.json()).toBe(first!.json())
})

test('an object that nobody read when it was written reads the same later, from its bytes', async () => {
  await using server = open()
  const { kind, apiVersion } = { kind: 'ConfigMap', apiVersion: 'v1' }
  const written = await server.create('configmaps', configMap('first', { a: 'b' }))
  for (let i = 0; i < 200; i++) await server.create('configmaps', configMap(`later-${i}`))
  const [first] = (await server.list('configmaps')).items
  expect(first!.object).toEqual({ kind, apiVersion, ...written })
  expect(JSON.parse(Buffer.from(first!.json()).toString())).toEqual(first!.object)
})

test('a watcher that reads nothing is ended, and the writers go on', async () => {
  await using server = open()
  const events = server.watch('configmaps')
  const first = events.next()
  await server.create('configmaps', configMap('first'))
  await first
  for (let i = 0; i < WATCHER_QUEUE_MAX + 10; i++) await server.create('configmaps', configMap(`c${i}`))
  let seen = 0
  while (!(await events.next()).done) seen++
  expect(seen).toBe(WATCHER_QUEUE_MAX)
})

test('a watch from a forgotten revision is told so', async () => {
  await using server = open()
  const { metadata } = await server.create('configmaps', configMap('a'))
  for (let i = 0; i < 2 * HISTORY_EVENTS_MAX; i++) {
    await server.patch('configmaps', 'a', { type: 'merge', body: { data: { n: String(i) } } })
  }
  const status = await failureOf(server.watch('configmaps', { resourceVersion: metadata.resourceVersion }).next())
  expect(status).toMatchObject({ code: 410, reason: 'Expired' })
  expect(status.message).toMatch(/^too old resource version: \d+ \(\d+\)$/)
})

test('a watch resumes exactly after the revision that it names', async () => {
  await using server = open()
  const { metadata } = await server.create('configmaps', configMap('a'))
  await server.create('configmaps', configMap('b'))
  const events = server.watch('configmaps', { resourceVersion: metadata.resourceVersion })
  expect((await events.next()).value).toMatchObject({ type: 'ADDED', encoded: { object: { metadata: { name: 'b' } } } })
})

test('bookmarks tell how far the server is, and the timeout ends the watch', async () => {
  const clock = new VirtualClock()
  await using server = open({ clock })
  await server.registry.whenReady()
  const events = server.watch('configmaps', { allowWatchBookmarks: true, timeoutSeconds: 90, resourceVersion: '0' })
  const next = events.next()
  const { metadata } = await server.create('secrets', { metadata: { name: 's' } })
  await clock.advance(60_000)
  const bookmark = (await next).value
  expect(bookmark).toMatchObject({
    type: 'BOOKMARK',
    encoded: { object: { kind: 'ConfigMap', metadata: { resourceVersion: metadata.resourceVersion } } },
  })
  const end = events.next()
  await clock.advance(30_000)
  expect((await end).done).toBe(true)
})

test('a revision from the future is waited for, and then refused', async () => {
  const clock = new VirtualClock()
  await using server = open({ clock })
  await server.registry.whenReady()
  const refused = failureOf(server.list('configmaps', { resourceVersion: '1000' }))
  await clock.advance(3000)
  expect(await refused).toMatchObject({ code: 504, message: 'Too large resource version: 1000, current: 0' })
})

test('an exact list shows what was there at its revision', async () => {
  await using server = open()
  const { metadata } = await server.create('configmaps', configMap('a'))
  await server.create('configmaps', configMap('b'))
  const options = { resourceVersion: metadata.resourceVersion, resourceVersionMatch: 'Exact' } as const
  expect(namesOf(await server.list('configmaps', options))).toEqual(['a'])
})

test('a token of forgotten history is refused with one that goes on', async () => {
  await using server = open()
  for (const name of ['a', 'b', 'c']) await server.create('configmaps', configMap(name))
  const { continue: token } = await server.list('configmaps', { limit: 1 })
  await server.delete('configmaps', 'a')
  await server.store.compact(server.store.head())
  const status = await failureOf(server.list('configmaps', { continue: token! }))
  expect(status).toMatchObject({ code: 410, reason: 'Expired' })
  const { continue: next } = status.metadata as { continue: string }
  expect(namesOf(await server.list('configmaps', { continue: next }))).toEqual(['b', 'c'])
})

test('label selectors find what they name, parsed or not', async () => {
  const store = memoryStore({ clock: new VirtualClock() })
  await using first = open({ store })
  for (let i = 0; i < 20; i++) await first.create('configmaps', configMap(`c${i}`, { mod: String(i % 3) }))
  const second = open({ store })
  await second.registry.whenReady()
  const names = namesOf(await second.list('configmaps', { labelSelector: 'mod in (1,2),mod!=2' }))
  expect(names.sort()).toEqual(['c1', 'c10', 'c13', 'c16', 'c19', 'c4', 'c7'])
  await second.registry.close()
})

test('two servers over one store see each other, and share out addresses', async () => {
  const store = memoryStore({ clock: new VirtualClock() })
  await using a = open({ store, serviceRange: '10.9.0.0/29' })
  const b = open({ store, serviceRange: '10.9.0.0/29' })
  const service = (name: string) => ({ metadata: { name }, spec: { ports: [{ port: 80 }] } })
  const made = await Promise.all(
    Array.from({ length: 6 }, (_, i) => (i % 2 ? a : b).create('services', service(`s${i}`))),
  )
  expect(new Set(made.map(({ spec }) => spec.clusterIP)).size).toBe(6)
  expect(namesOf(await a.list('services'))).toEqual(namesOf(await b.list('services')))
  await b.registry.close()
})

test('watchers with the same selector see the same events, those with another see their own', async () => {
  await using server = open()
  await server.create('configmaps', configMap('before', { app: 'a' }))
  const [first, second, other] = ['app=a', 'app=a', 'app=b'].map(labelSelector =>
    server.watch('configmaps', { labelSelector }),
  )
  const initial = await Promise.all([first!.next(), second!.next()])
  const waiting = other!.next()
  expect(initial.map(({ value }) => value?.type)).toEqual(['ADDED', 'ADDED'])
  await server.patch('configmaps', 'before', { type: 'merge', body: { metadata: { labels: { app: 'b' } } } })
  const left = await Promise.all([first!.next(), second!.next()])
  expect(left.map(({ value }) => value?.type)).toEqual(['DELETED', 'DELETED'])
  expect(left[0]!.value!.encoded.json()).toBe(left[1]!.value!.encoded.json())
  expect((await waiting).value).toMatchObject({ type: 'ADDED', encoded: { object: { metadata: { name: 'before' } } } })
  expect(namesOf(await server.list('configmaps', { labelSelector: 'app=a' }))).toEqual([])
  expect(namesOf(await server.list('configmaps', { labelSelector: 'app=b' }))).toEqual(['before'])
})
