import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { memoryStore } from '../../store/memory/memory-store.ts'
import type { Store } from '../../store/store.ts'
import { failureOf, RegistryFixture } from '../registry-fixture.ts'

const open = (): RegistryFixture => new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })
const SETS = 'statefulsets.v1.apps'
const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'nginx', image: 'nginx:1.25' }] },
}
const claim = {
  metadata: { name: 'www' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
}
const set = (spec = {}) => ({
  metadata: { name: 'web' },
  spec: { serviceName: 'nginx', selector: { matchLabels: { app: 'web' } }, template, ...spec },
})

test('F2, F4, F6, F7, F10, F12, F14: a StatefulSet gets the defaults of upstream', async () => {
  await using server = open()
  const { spec, status, metadata } = await server.create(SETS, set({ volumeClaimTemplates: [claim] }))
  expect(metadata.generation).toBe(1)
  expect(status).toEqual({ replicas: 0, availableReplicas: 0 })
  expect(spec).toMatchObject({
    replicas: 1,
    revisionHistoryLimit: 10,
    podManagementPolicy: 'OrderedReady',
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
  })
  expect(spec.template.spec).toEqual({
    containers: [
      {
        name: 'nginx',
        image: 'nginx:1.25',
        imagePullPolicy: 'IfNotPresent',
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ],
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  })
  expect(spec.volumeClaimTemplates[0]).toMatchObject({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    spec: { volumeMode: 'Filesystem', resources: { requests: { storage: '1Gi' } } },
    status: { phase: 'Pending' },
  })
})

test('F8: an explicit RollingUpdate keeps its rollingUpdate absent', async () => {
  await using server = open()
  const { spec } = await server.create(SETS, set({ updateStrategy: { type: 'RollingUpdate' } }))
  expect(spec.updateStrategy).toEqual({ type: 'RollingUpdate' })
})

test('V25, F14: submitting the original manifest again is no change', async () => {
  await using server = open()
  const original = set({ volumeClaimTemplates: [claim] })
  const created = await server.create(SETS, original)
  const updated = await server.update(SETS, { ...created, spec: original.spec })
  expect(updated).toEqual(created)
})

test('R1: generation counts changes of the spec, and nothing else', async () => {
  await using server = open()
  const created = await server.create(SETS, set())
  const labelled = await server.patch(SETS, 'web', { type: 'merge', body: { metadata: { labels: { a: 'b' } } } })
  expect(labelled.metadata.generation).toBe(1)
  const scaled = await server.patch(SETS, 'web', { type: 'merge', body: { spec: { replicas: 3 } } })
  expect(scaled.metadata.generation).toBe(2)
  const written = await server.update(SETS, { ...scaled, status: { replicas: 3 } }, { subresource: 'status' })
  expect(written).toMatchObject({
    metadata: { generation: 2 },
    status: { replicas: 3 },
    spec: created.spec && { replicas: 3 },
  })
})

test('V21, V24, V1, B15, B20: each immutable field of a StatefulSet is refused by its name', async () => {
  await using server = open()
  await server.create(SETS, set())
  const status = await failureOf(server.patch(SETS, 'web', { type: 'merge', body: { spec: { serviceName: 'other' } } }))
  expect(status.message).toBe(
    'StatefulSet.apps "web" is invalid: spec.serviceName: Invalid value: "other": field is immutable',
  )
})

test('V3, V6, V10, V14, V15: every broken rule of a StatefulSet is reported with its path', async () => {
  await using server = open()
  const bad = set({
    replicas: -1,
    podManagementPolicy: 'Sideways',
    selector: { matchLabels: { app: 'other' } },
    template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } },
  })
  const { details } = await failureOf(server.create(SETS, bad))
  expect(details!.causes!.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    `spec.podManagementPolicy: Invalid value: "Sideways": must be 'OrderedReady' or 'Parallel'`,
    'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ])
})

test('R4, R5: a scale reads and writes replicas', async () => {
  await using server = open()
  await server.create(SETS, set())
  const scale = await server.get(SETS, 'web', { subresource: 'scale' })
  expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 0, selector: 'app=web' } })
  const { resourceVersion: _, ...metadata } = scale.metadata
  const put = await server.update(SETS, { ...scale, metadata, spec: { replicas: 2 } }, { subresource: 'scale' })
  expect(put.spec.replicas).toBe(2)
  const patched = await server.patch(SETS, 'web', {
    type: 'merge',
    body: { spec: { replicas: 4 } },
    subresource: 'scale',
  })
  expect(patched.spec.replicas).toBe(4)
  expect((await server.get(SETS, 'web')).metadata.generation).toBe(3)
  const stale = await failureOf(server.update(SETS, { ...scale, spec: { replicas: 5 } }, { subresource: 'scale' }))
  expect(stale.code).toBe(409)
})

test('a rollback patch with $patch: replace puts the template back as it was', async () => {
  await using server = open()
  await server.create(SETS, set())
  const body = {
    spec: { template: { $patch: 'replace', metadata: { labels: { app: 'web', v: '2' } }, spec: template.spec } },
  }
  const patched = await server.patch(SETS, 'web', { type: 'strategic', body })
  expect(patched.spec.template.metadata.labels).toEqual({ app: 'web', v: '2' })
})

const pod = (spec = {}) => ({ metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'nginx' }], ...spec } })

test('a Pod is bound once, with its condition', async () => {
  await using server = open()
  await server.create('pods', pod())
  const bind = (name: string) =>
    server.call('create', 'pods', { name: 'p', subresource: 'binding', body: { target: { kind: 'Node', name } } })
  await bind('n1')
  const bound = await server.get('pods', 'p')
  expect(bound.spec.nodeName).toBe('n1')
  expect(bound.status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }])
  const again = await failureOf(bind('n2'))
  expect(again).toMatchObject({ code: 409, reason: 'Conflict' })
})

test('D7: an unscheduled Pod is deleted at once, a running one gets its grace', async () => {
  await using server = open()
  await server.create('pods', pod())
  await server.delete('pods', 'p')
  expect(await failureOf(server.get('pods', 'p'))).toMatchObject({ code: 404 })
  await server.create('pods', pod({ nodeName: 'n1' }))
  const deleted = await server.delete('pods', 'p')
  expect(deleted.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 })
  await server.delete('pods', 'p', { gracePeriodSeconds: 0 })
  expect(await failureOf(server.get('pods', 'p'))).toMatchObject({ code: 404 })
})

test('a Pod cannot change but in its images', async () => {
  await using server = open()
  const created = await server.create('pods', pod())
  const image = { spec: { containers: [{ name: 'c', image: 'nginx:2' }] } }
  expect((await server.patch('pods', 'p', { type: 'strategic', body: image })).spec.containers[0].image).toBe('nginx:2')
  const status = await failureOf(
    server.update('pods', { ...created, metadata: { name: 'p' }, spec: { ...created.spec, hostname: 'h' } }),
  )
  expect(status.message).toContain('spec: Forbidden: pod updates may not change fields other than')
})

test('D8: an eviction spends the budget and is refused when nothing is left', async () => {
  await using server = open()
  const budgets = 'poddisruptionbudgets.v1.policy'
  const running = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
  for (const name of ['a', 'b']) {
    const created = await server.create('pods', {
      ...pod({ nodeName: 'n1' }),
      metadata: { name, labels: { app: 'x' } },
    })
    await server.update('pods', { ...created, status: running }, { subresource: 'status' })
  }
  const budget = await server.create(budgets, {
    metadata: { name: 'pdb' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } } },
  })
  const status = { observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 }
  await server.update(budgets, { ...budget, status }, { subresource: 'status' })
  const evict = (name: string) =>
    server.call('create', 'pods', { name, subresource: 'eviction', body: { metadata: { name } } })
  await evict('a')
  expect((await server.get('pods', 'a')).metadata.deletionTimestamp).toBeDefined()
  const spent = await server.get(budgets, 'pdb')
  expect(spent.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { a: '2026-01-01T00:00:00Z' } })
  const refused = await failureOf(evict('b'))
  expect(refused).toMatchObject({
    code: 429,
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: { causes: [{ message: 'The disruption budget pdb needs 1 healthy pods and has 2 currently' }] },
  })
})

test('tables show the columns of upstream', async () => {
  await using server = open()
  const created = await server.create(SETS, set())
  const table = server.table(SETS, [created])
  expect(table.columnDefinitions.map(({ name, priority }) => `${name}${priority ? '+' : ''}`)).toEqual([
    'Name',
    'Ready',
    'Age',
    'Containers+',
    'Images+',
  ])
  expect(table.rows[0]!.cells).toEqual(['web', '0/1', '0s', 'nginx', 'nginx:1.25'])
  const aPod = await server.create('pods', pod())
  expect(server.table('pods', [aPod]).rows[0]!.cells).toEqual([
    'p',
    '0/1',
    'Pending',
    '0',
    '0s',
    '<none>',
    '<none>',
    '<none>',
    '<none>',
  ])
})

test('a namespace waits for its finalizers', async () => {
  await using server = open()
  const call = { namespace: '' }
  await server.create('namespaces', { metadata: { name: 'ns' } })
  const deleted = await server.delete('namespaces', 'ns')
  expect(deleted).toMatchObject({ status: { phase: 'Terminating' }, spec: { finalizers: ['kubernetes'] } })
  await server.update('namespaces', { ...deleted, spec: {} }, { subresource: 'finalize', ...call })
  expect(await failureOf(server.get('namespaces', 'ns'))).toMatchObject({ code: 404 })
})

test('V20: advice goes out as warnings, once for each change', async () => {
  await using server = open()
  const env = [
    { name: 'A', value: '1' },
    { name: 'A', value: '2' },
  ]
  const spec = { containers: [{ name: 'c', image: 'nginx', env }] }
  const created = await server.create(SETS, set({ template: { ...template, spec }, revisionHistoryLimit: -1 }))
  expect(server.warnings).toEqual([
    'spec.template.spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
  ])
  server.warnings.length = 0
  await server.update(SETS, { ...created, metadata: { ...created.metadata, labels: { a: 'b' } } })
  expect(server.warnings).toHaveLength(1)
})

const clock = new VirtualClock()
const withGate = (isOn: boolean, store?: Store): RegistryFixture =>
  new RegistryFixture({
    clock,
    random: seededRandom(1),
    featureGates: { StatefulSetRecreateStrategy: isOn },
    ...(store && { store }),
  })

test('V9: a set that was stored as Recreate stays changeable with the gate off, may leave it, and not come back', async () => {
  const store = memoryStore({ clock })
  await using before = withGate(true, store)
  await before.create(SETS, set({ updateStrategy: { type: 'Recreate' } }))
  await using server = withGate(false, store)
  const patch = (spec: JsonObject) => server.patch(SETS, 'web', { type: 'merge', body: { spec } })
  expect((await patch({ replicas: 2 })).spec.updateStrategy).toEqual({ type: 'Recreate' })
  expect((await patch({ updateStrategy: { type: 'OnDelete' } })).spec.updateStrategy).toEqual({ type: 'OnDelete' })
  const failure = await failureOf(patch({ updateStrategy: { type: 'Recreate' } }))
  expect(failure.details?.causes).toEqual([
    {
      reason: 'FieldValueInvalid',
      field: 'spec.updateStrategy',
      message: 'Invalid value: {"type":"Recreate"}: must be \'RollingUpdate\' or \'OnDelete\'',
    },
  ])
})

test('V7: an unknown strategy is refused once, with what is allowed under the gate', async () => {
  for (const [isOn, text] of [
    [false, "must be 'RollingUpdate' or 'OnDelete'"],
    [true, "must be 'RollingUpdate', 'OnDelete' or 'Recreate'"],
  ] as const) {
    await using server = withGate(isOn)
    const failure = await failureOf(server.create(SETS, set({ updateStrategy: { type: 'Rolling' } })))
    expect(failure.details?.causes).toHaveLength(1)
    expect(failure.details?.causes?.[0]?.message).toContain(text)
  }
})
