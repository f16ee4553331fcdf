import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { failureOf, type Loose, RegistryFixture } from '../registry-fixture.ts'

const open = (): RegistryFixture => new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })
const DEPLOYMENTS = 'deployments.v1.apps'
const labels = { app: 'web' }
const deployment = (
  spec: JsonObject = {},
  containers: readonly JsonObject[] = [{ name: 'c', image: 'nginx:1' }],
): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels },
  spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } }, ...spec },
})

const apply = (server: RegistryFixture, body: JsonObject, fieldManager: string, force = false): Promise<Loose> =>
  server.patch(DEPLOYMENTS, 'web', { type: 'apply', body, options: { fieldManager, ...(force && { force }) } })

const entryOf = (object: Loose, manager: string): Loose =>
  object.metadata.managedFields?.find((entry: Loose) => entry.manager === manager)

test('apply creates the object, and owns exactly what it named', async () => {
  await using server = open()
  const created = await apply(server, deployment({ replicas: 3 }), 'a')
  expect(created.spec).toMatchObject({ replicas: 3, revisionHistoryLimit: 10 })
  expect(entryOf(created, 'a')).toEqual({
    manager: 'a',
    operation: 'Apply',
    apiVersion: 'apps/v1',
    time: '2026-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: {
      'f:metadata': { 'f:labels': { 'f:app': {} } },
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
        },
      },
    },
  })
})

test('applying the same again changes nothing', async () => {
  await using server = open()
  const first = await apply(server, deployment({ replicas: 3 }), 'a')
  await (server.clock as VirtualClock).advance(60_000)
  expect(await apply(server, deployment({ replicas: 3 }), 'a')).toEqual(first)
})

test('changing the field of another manager conflicts, unless forced', async () => {
  await using server = open()
  await apply(server, deployment({ replicas: 3 }), 'a')
  const status = await failureOf(apply(server, deployment({ replicas: 5 }), 'b'))
  expect(status).toMatchObject({
    code: 409,
    reason: 'Conflict',
    message: 'Apply failed with 1 conflict: conflict with "a": .spec.replicas',
  })
  const forced = await apply(server, deployment({ replicas: 5 }), 'b', true)
  expect(forced.spec.replicas).toBe(5)
  expect(entryOf(forced, 'a').fieldsV1['f:spec']['f:replicas']).toBeUndefined()
  expect(entryOf(forced, 'b').fieldsV1['f:spec']['f:replicas']).toEqual({})
})

test('the same value may have two owners, and stays while one of them wants it', async () => {
  await using server = open()
  await apply(server, deployment({ replicas: 3 }), 'a')
  await apply(server, deployment({ replicas: 3 }), 'b')
  const given = await apply(server, deployment(), 'a')
  expect(given.spec.replicas).toBe(3)
  const gone = await apply(server, deployment(), 'b')
  expect(gone.spec.replicas).toBe(1)
})

test('list items that are no longer applied go, those of others stay', async () => {
  await using server = open()
  const c = { name: 'c', image: 'nginx:1' }
  await apply(server, deployment({}, [c, { name: 'd', image: 'x' }]), 'a')
  await server.patch(DEPLOYMENTS, 'web', {
    type: 'strategic',
    body: { spec: { template: { spec: { containers: [{ name: 'e', image: 'y' }] } } } },
    options: { fieldManager: 'hand' },
  })
  const applied = await apply(server, deployment({}, [c]), 'a')
  const names = applied.spec.template.spec.containers.map((container: Loose) => container.name)
  expect(names.sort()).toEqual(['c', 'e'])
})

test('updates take over what they change, and are named in conflicts with their version and time', async () => {
  await using server = open()
  await apply(server, deployment({ replicas: 3 }), 'a')
  const scaled = await server.patch(DEPLOYMENTS, 'web', {
    type: 'merge',
    body: { spec: { replicas: 7 } },
    options: { fieldManager: 'kubectl-edit' },
  })
  expect(entryOf(scaled, 'kubectl-edit')).toMatchObject({
    operation: 'Update',
    fieldsV1: { 'f:spec': { 'f:replicas': {} } },
  })
  expect(entryOf(scaled, 'a').fieldsV1['f:spec']['f:replicas']).toBeUndefined()
  const status = await failureOf(apply(server, deployment({ replicas: 3 }), 'a'))
  expect(status.message).toBe(
    'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1 at 2026-01-01T00:00:00Z: .spec.replicas',
  )
})

test('a status writer owns status under its subresource', async () => {
  await using server = open()
  const created = await apply(server, deployment(), 'a')
  const written = await server.update(
    DEPLOYMENTS,
    { ...created, status: { replicas: 1 } },
    { subresource: 'status', options: { fieldManager: 'controller' } },
  )
  expect(entryOf(written, 'controller')).toMatchObject({
    subresource: 'status',
    fieldsV1: { 'f:status': { 'f:replicas': {} } },
  })
})

test('apply needs a manager, and no managed fields in its body', async () => {
  await using server = open()
  const nobody = await failureOf(server.patch(DEPLOYMENTS, 'web', { type: 'apply', body: deployment() }))
  expect(nobody.message).toContain('fieldManager: Required value: is required for apply patch')
})

test('removing an applied label removes it', async () => {
  await using server = open()
  const two = { ...deployment(), metadata: { name: 'web', labels: { app: 'web', extra: 'x' } } }
  await apply(server, two, 'a')
  const one = await apply(server, deployment(), 'a')
  expect(one.metadata.labels).toEqual({ app: 'web' })
})
