import { expect, test } from 'vitest'
import { seededRandom } from '../fakes/seeded-random.ts'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { failureOf, namesOf, RegistryFixture } from './registry-fixture.ts'

const open = (): RegistryFixture => new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })
const configMap = (name: string, data = {}, metadata = {}) => ({ metadata: { name, ...metadata }, data })

test('a created object comes back with what the server filled in', async () => {
  await using server = open()
  const created = await server.create('configmaps', configMap('a', { k: 'v' }))
  expect(created).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { k: 'v' } })
  expect(created.metadata).toMatchObject({ name: 'a', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' })
  expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
  expect(Number(created.metadata.resourceVersion)).toBeGreaterThan(0)
  expect(await server.get('configmaps', 'a')).toEqual(created)
})

test('the same name cannot be created twice', async () => {
  await using server = open()
  await server.create('configmaps', configMap('a'))
  const status = await failureOf(server.create('configmaps', configMap('a')))
  expect(status).toMatchObject({ reason: 'AlreadyExists', message: 'configmaps "a" already exists' })
})

test('generateName gets a suffix', async () => {
  await using server = open()
  const created = await server.create('configmaps', { metadata: { generateName: 'a-' } })
  expect(created.metadata.name).toMatch(/^a-[a-z0-9]{5}$/)
})

test('an update against an old revision conflicts, one without a revision does not', async () => {
  await using server = open()
  const first = await server.create('configmaps', configMap('a', { n: '1' }))
  const second = await server.update('configmaps', { ...first, data: { n: '2' } })
  expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion)
  const status = await failureOf(server.update('configmaps', { ...first, data: { n: '3' } }))
  expect(status).toMatchObject({ code: 409, reason: 'Conflict' })
  const third = await server.update('configmaps', configMap('a', { n: '4' }))
  expect(third.data).toEqual({ n: '4' })
})

test('an update that changes nothing makes no revision', async () => {
  await using server = open()
  const first = await server.create('configmaps', configMap('a', { n: '1' }))
  expect(await server.update('configmaps', first)).toEqual(first)
})

test('merge, strategic and JSON patches change what they name', async () => {
  await using server = open()
  await server.create('configmaps', configMap('a', { x: '1', y: '2' }))
  const merged = await server.patch('configmaps', 'a', { type: 'merge', body: { data: { x: null, z: '3' } } })
  expect(merged.data).toEqual({ y: '2', z: '3' })
  const strategic = await server.patch('configmaps', 'a', {
    type: 'strategic',
    body: { metadata: { labels: { l: 'v' } } },
  })
  expect(strategic.metadata.labels).toEqual({ l: 'v' })
  const json = await server.patch('configmaps', 'a', { type: 'json', body: [{ op: 'remove', path: '/data/y' }] })
  expect(json.data).toEqual({ z: '3' })
})

test('a deleted object is gone, and its deletion is a Status that names it', async () => {
  await using server = open()
  await server.create('configmaps', configMap('a'))
  expect(await server.delete('configmaps', 'a')).toMatchObject({
    kind: 'Status',
    status: 'Success',
    details: { name: 'a' },
  })
  expect(await failureOf(server.get('configmaps', 'a'))).toMatchObject({ code: 404 })
})

test('finalizers keep a deleted object until the last one is removed', async () => {
  await using server = open()
  await server.create('configmaps', configMap('a', {}, { finalizers: ['example.com/a'] }))
  const deleted = await server.delete('configmaps', 'a')
  expect(deleted.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 })
  await server.patch('configmaps', 'a', { type: 'merge', body: { metadata: { finalizers: null } } })
  expect(await failureOf(server.get('configmaps', 'a'))).toMatchObject({ code: 404 })
})

test('dry runs answer as if, and store nothing', async () => {
  await using server = open()
  const created = await server.create('configmaps', configMap('a'), { dryRun: true })
  expect(created.metadata.name).toBe('a')
  expect(await failureOf(server.get('configmaps', 'a'))).toMatchObject({ code: 404 })
})

test('unknown fields are warned of, refused when strict, and never stored', async () => {
  await using server = open()
  const body = { ...configMap('a'), dta: {} }
  const strict = await failureOf(server.create('configmaps', body, { fieldValidation: 'Strict' }))
  expect(strict.message).toContain('strict decoding error: unknown field "dta"')
  const created = await server.create('configmaps', body)
  expect(created.dta).toBeUndefined()
  expect(server.warnings).toEqual(['unknown field "dta"'])
})

test('lists come in pages of one snapshot', async () => {
  await using server = open()
  for (const name of ['a', 'b', 'c', 'd', 'e']) await server.create('configmaps', configMap(name))
  const first = await server.list('configmaps', { limit: 2 })
  expect(namesOf(first)).toEqual(['a', 'b'])
  expect(first.remainingItemCount).toBe(3)
  await server.create('configmaps', configMap('bb'))
  await server.delete('configmaps', 'c')
  const second = await server.list('configmaps', { limit: 2, continue: first.continue! })
  expect(namesOf(second)).toEqual(['c', 'd'])
  expect(second.resourceVersion).toBe(first.resourceVersion)
  expect(namesOf(await server.list('configmaps', { continue: second.continue! }))).toEqual(['e'])
})

test('selectors choose by label and by name, and refuse other fields', async () => {
  await using server = open()
  await server.create('configmaps', configMap('a', {}, { labels: { app: 'x' } }))
  await server.create('configmaps', configMap('b', {}, { labels: { app: 'y' } }))
  expect(namesOf(await server.list('configmaps', { labelSelector: 'app in (x,z)' }))).toEqual(['a'])
  expect(namesOf(await server.list('configmaps', { fieldSelector: 'metadata.name=b' }))).toEqual(['b'])
  const status = await failureOf(server.list('configmaps', { fieldSelector: 'data.x=1' }))
  expect(status).toMatchObject({ code: 400, message: 'field label not supported: "data.x" for ConfigMap' })
})

test('a watch sees the state, then every change once and in order', async () => {
  await using server = open()
  const first = await server.create('configmaps', configMap('a', { n: '1' }))
  const events = server.watch('configmaps')
  expect((await events.next()).value).toMatchObject({ type: 'ADDED' })
  await server.update('configmaps', { ...first, data: { n: '2' } })
  await server.delete('configmaps', 'a')
  const changed = (await events.next()).value
  expect(changed.type).toBe('MODIFIED')
  expect(changed.encoded.object.data).toEqual({ n: '2' })
  const deleted = (await events.next()).value
  expect(deleted.type).toBe('DELETED')
  expect(Number(deleted.encoded.object.metadata.resourceVersion)).toBeGreaterThan(
    Number(changed.encoded.object.metadata.resourceVersion),
  )
  await events.return!()
})

test('a selector turns updates into ADDED and DELETED', async () => {
  await using server = open()
  const first = await server.create('configmaps', configMap('a'))
  const events = server.watch('configmaps', {
    labelSelector: 'on=yes',
    resourceVersion: first.metadata.resourceVersion,
  })
  const label = (on: string) =>
    server.patch('configmaps', 'a', { type: 'merge', body: { metadata: { labels: { on } } } })
  await label('no')
  await label('yes')
  await label('no')
  expect((await events.next()).value.type).toBe('ADDED')
  expect((await events.next()).value.type).toBe('DELETED')
})

test('sendInitialEvents ends the state with a marked bookmark', async () => {
  await using server = open()
  await server.create('configmaps', configMap('a'))
  const events = server.watch('configmaps', {
    sendInitialEvents: true,
    resourceVersionMatch: 'NotOlderThan',
    allowWatchBookmarks: true,
  })
  expect((await events.next()).value.type).toBe('ADDED')
  const bookmark = (await events.next()).value
  expect(bookmark.type).toBe('BOOKMARK')
  expect(bookmark.encoded.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' })
})

test('a collection is deleted by label', async () => {
  await using server = open()
  await server.create('configmaps', configMap('a', {}, { labels: { app: 'x' } }))
  await server.create('configmaps', configMap('b'))
  await server.call('deletecollection', 'configmaps', { options: { labelSelector: 'app=x' } })
  expect(namesOf(await server.list('configmaps'))).toEqual(['b'])
})
