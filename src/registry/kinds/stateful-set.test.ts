import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { failureOf, RegistryFixture } from '../registry-fixture.ts'

const SETS = 'statefulsets.v1.apps'
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'app' }] } }
const claim = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
}
const setOf = (spec: object = {}, name = 'web') => ({
  metadata: { name },
  spec: { serviceName: 'nginx', selector: { matchLabels: { app: 'web' } }, template, ...spec },
})
const open = (): RegistryFixture => new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })
const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
const templateWith = (spec: object) => ({ template: { ...template, spec: { ...template.spec, ...spec } } })

test.each([
  ['V4: its name', setOf({}, 'web.one'), 'metadata.name', 'a lowercase RFC 1123 label must consist of'],
  ['V5: serviceName', setOf({ serviceName: 'x.y' }), 'spec.serviceName', 'a lowercase RFC 1123 label must consist of'],
  [
    'V8: a rollingUpdate with OnDelete',
    setOf({ updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } }),
    'spec.updateStrategy.rollingUpdate',
    "only allowed for updateStrategy 'RollingUpdate'",
  ],
  [
    'V10: a negative partition',
    setOf(rolling({ partition: -1 })),
    'spec.updateStrategy.rollingUpdate.partition',
    'Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    'V11: maxUnavailable 0',
    setOf(rolling({ maxUnavailable: 0 })),
    'spec.updateStrategy.rollingUpdate.maxUnavailable',
    'cannot be 0',
  ],
  [
    'V11: maxUnavailable over all',
    setOf(rolling({ maxUnavailable: '101%' })),
    'spec.updateStrategy.rollingUpdate.maxUnavailable',
    'must not be greater than 100%',
  ],
  [
    'V12: a retention that is none',
    setOf({ persistentVolumeClaimRetentionPolicy: { whenScaled: 'Keep' } }),
    'spec.persistentVolumeClaimRetentionPolicy.whenScaled',
    'Unsupported value: "Keep": supported values: "Retain", "Delete"',
  ],
  [
    'V13: an empty selector',
    setOf({ selector: {} }),
    'spec.selector',
    'Invalid value: {}: empty selector is invalid for statefulset',
  ],
  [
    'V16: a deadline',
    setOf(templateWith({ activeDeadlineSeconds: 5 })),
    'spec.template.spec.activeDeadlineSeconds',
    'activeDeadlineSeconds in StatefulSet is not Supported',
  ],
  [
    'V18: a claim template without a name',
    setOf({ volumeClaimTemplates: [{ ...claim, metadata: {} }] }),
    'spec.template.spec.volumes[0].name',
    'Required value',
  ],
  [
    'V19: a claim template without access modes',
    setOf({ volumeClaimTemplates: [{ ...claim, spec: { resources: claim.spec.resources } }] }),
    'spec.volumeClaimTemplates[0].spec.accessModes',
    'Required value: at least 1 access mode is required',
  ],
])('%s of a StatefulSet is refused', async (_rule, body, field, text) => {
  await using server = open()
  const { code, reason, details } = await failureOf(server.create(SETS, body))
  expect({ code, reason }).toEqual({ code: 422, reason: 'Invalid' })
  const cause = details!.causes!.find(one => one.field === field)
  expect(cause?.message).toContain(text)
})

test('V17, B19: a mount may name a claim template, which stands for a volume', async () => {
  await using server = open()
  const containers = [{ name: 'main', image: 'app', volumeMounts: [{ name: 'data', mountPath: '/data' }] }]
  const body = setOf({ ...templateWith({ containers }), volumeClaimTemplates: [claim] })
  expect((await server.create(SETS, body)).spec.volumeClaimTemplates).toHaveLength(1)
  const failure = await failureOf(server.create(SETS, setOf(templateWith({ containers }), 'other')))
  expect(failure.details!.causes![0]!.field).toBe('spec.template.spec.containers[0].volumeMounts[0].name')
})

test('V21, V26, S19: claim templates stay as they are; what may change, changes', async () => {
  await using server = open()
  await server.create(SETS, setOf({ volumeClaimTemplates: [claim] }))
  const larger = { ...claim, spec: { ...claim.spec, resources: { requests: { storage: '2Gi' } } } }
  const patch = (spec: object) => server.patch(SETS, 'web', { type: 'merge', body: { spec: spec as never } })
  const failure = await failureOf(patch({ volumeClaimTemplates: [larger] }))
  expect(failure.details!.causes!.map(({ field }) => field)).toEqual(['spec.volumeClaimTemplates'])
  const changed = await patch({ replicas: 3, minReadySeconds: 5, ordinals: { start: 1 }, revisionHistoryLimit: 2 })
  expect(changed.spec).toMatchObject({ replicas: 3, minReadySeconds: 5, ordinals: { start: 1 } })
})

test('V27: a stale resourceVersion conflicts, an absent one does not', async () => {
  await using server = open()
  const created = await server.create(SETS, setOf())
  await server.patch(SETS, 'web', { type: 'merge', body: { spec: { replicas: 2 } } })
  expect((await failureOf(server.update(SETS, created))).code).toBe(409)
  const { resourceVersion: _, ...metadata } = created.metadata
  expect((await server.update(SETS, { ...created, metadata })).spec.replicas).toBe(1)
})

test('V28: counters of the status that cannot be true are refused', async () => {
  await using server = open()
  const created = await server.create(SETS, setOf())
  const status = { replicas: 2, readyReplicas: 3, availableReplicas: 4 }
  const failure = await failureOf(server.update(SETS, { ...created, status }, { subresource: 'status' }))
  expect(failure.details!.causes!.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    'status.readyReplicas: Invalid value: 3: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 4: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 4: cannot be greater than status.readyReplicas',
  ])
})

test('R2: a PUT to a name that is not there creates nothing', async () => {
  await using server = open()
  expect((await failureOf(server.update(SETS, setOf()))).code).toBe(404)
})

test('F1: it is served as sts, of the category all, with status and scale', async () => {
  await using server = open()
  const { shortNames, categories, kind, namespaced } = server.resource(SETS).info
  expect({ shortNames, categories, kind, namespaced }).toMatchObject({
    shortNames: ['sts'],
    categories: ['all'],
    kind: 'StatefulSet',
    namespaced: true,
  })
  await server.create(SETS, setOf())
  expect((await server.get(SETS, 'web', { subresource: 'status' })).kind).toBe('StatefulSet')
  expect((await server.get(SETS, 'web', { subresource: 'scale' })).kind).toBe('Scale')
})

test('F3, F5, F11, F13: the selector is asked for; a Service, a wait and a start are not', async () => {
  await using server = open()
  const failure = await failureOf(server.create(SETS, setOf({ selector: undefined })))
  expect(failure.details!.causes!.map(({ field }) => field)).toContain('spec.selector')
  const { spec } = await server.create(SETS, setOf({ serviceName: undefined }))
  expect(spec.serviceName ?? '').toBe('')
  expect(spec.minReadySeconds ?? 0).toBe(0)
  expect(spec.ordinals).toBeUndefined()
})

test('F9: with its gate off maxUnavailable is dropped, with it on it is 1', async () => {
  await using on = open()
  expect((await on.create(SETS, setOf(rolling({})))).spec.updateStrategy.rollingUpdate.maxUnavailable).toBe(1)
  await using off = new RegistryFixture({
    clock: new VirtualClock(),
    random: seededRandom(1),
    featureGates: { MaxUnavailableStatefulSet: false },
  })
  const { spec } = await off.create(SETS, setOf(rolling({ maxUnavailable: 2 })))
  expect(spec.updateStrategy.rollingUpdate).toEqual({ partition: 0 })
})

test('V29: a revision has data that stays, and a number that may change', async () => {
  await using server = open()
  const REVISIONS = 'controllerrevisions.v1.apps'
  const revision = { metadata: { name: 'web-1' }, revision: 1, data: { spec: { a: 1 } } }
  const failure = await failureOf(server.create(REVISIONS, { ...revision, data: undefined }))
  expect(failure.details!.causes![0]!.field).toBe('data')
  for (const data of ['text', 5, true, ['a']]) {
    const { code, details } = await failureOf(server.create(REVISIONS, { ...revision, data }))
    expect({ code, message: details?.causes?.[0]?.message }).toEqual({
      code: 422,
      message: 'Required value: data must be a valid JSON object',
    })
  }
  const negative = await failureOf(server.create(REVISIONS, { ...revision, revision: -1 }))
  expect(negative.details!.causes![0]!.message).toBe('Invalid value: -1: must be greater than or equal to 0')
  const created = await server.create(REVISIONS, revision)
  const renumbered = await server.update(REVISIONS, { ...created, revision: 2 })
  expect(renumbered.revision).toBe(2)
  const changed = await failureOf(server.update(REVISIONS, { ...renumbered, data: { spec: { a: 2 } } }))
  expect(changed.details!.causes![0]!.message).toContain('field is immutable')
})
