import { expect, test } from 'vitest'
import { StatefulSet } from '../../src/api/apps-v1/types.ts'
import { Pod } from '../../src/api/core-v1/types.ts'
import { claimTemplate, partition, podTemplate, Stage } from './stage.ts'
import { quotaOf } from './tampering.ts'

const parallel = { podManagementPolicy: 'Parallel' }

test('Y1, F14: the spec as first written is no change, though the server has filled in defaults', async () => {
  await using stage = await Stage.start()
  const written = { ...parallel, volumeClaimTemplates: [claimTemplate()] }
  await stage.create(written)
  const { metadata, spec, ...rest } = await stage.set()
  const original = { replicas: 3, serviceName: 'nginx', selector: spec.selector, template: podTemplate('old') }
  const back = { ...rest, metadata, spec: { ...original, ...written, updateStrategy: { type: 'RollingUpdate' } } }
  const updated = await stage.client.update(StatefulSet, back as unknown as StatefulSet)
  expect(updated.metadata.generation).toBe(metadata.generation)
})

test('Y2: status follows 2 → 3 → 0 → 2, and an annotation of the template is observed', async () => {
  await using stage = await Stage.start()
  await stage.create({ ...parallel, replicas: 2 })
  for (const replicas of [3, 0, 2]) {
    await stage.change({ replicas })
    expect((await stage.set()).status.replicas).toBe(replicas)
  }
  const { template } = (await stage.set()).spec
  await stage.change({
    template: { ...template, metadata: { ...template.metadata, annotations: { a: 'b' } } },
  } as never)
  const { metadata, status } = await stage.set()
  expect(status.observedGeneration).toBe(metadata.generation)
})

test('Y3, O7, D6: ended Pods are replaced, a deleted one held by a finalizer only when it is gone', async () => {
  await using stage = await Stage.start()
  await stage.create(parallel)
  const uids = async () => new Map((await stage.pods()).map(({ metadata }) => [metadata.name, metadata.uid]))
  const before = await uids()
  await stage.patchPod('web-0', { metadata: { finalizers: ['example.com/hold'] } })
  await stage.deletePod('web-0')
  for (const [name, phase] of [
    ['web-1', 'Failed'],
    ['web-2', 'Succeeded'],
  ] as const) {
    const pod = await stage.pod(name)
    await stage.client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase } })
  }
  await stage.clock.advance(60_000)
  const after = await uids()
  expect(['web-0', 'web-1', 'web-2'].map(name => after.get(name) === before.get(name))).toEqual([true, false, false])
  await stage.patchPod('web-0', { metadata: { finalizers: null } })
  expect((await uids()).get('web-0')).not.toBe(before.get('web-0'))
})

test('Y5, E9: status is written although admission refuses further Pods', async () => {
  await using stage = await Stage.start({ tampering: quotaOf(2) })
  await stage.create({ ...parallel, replicas: 4 })
  expect((await stage.set()).status).toMatchObject({ replicas: 2, readyReplicas: 2 })
  expect(await stage.events()).toContainEqual(
    expect.stringMatching(
      /^FailedCreate create Pod web-\d in StatefulSet web failed error: pods "web-\d" is forbidden/,
    ),
  )
})

test.each([
  ['Retain', 'Retain', []],
  ['Retain', 'Delete', ['StatefulSet']],
  ['Delete', 'Retain', []],
  ['Delete', 'Delete', ['StatefulSet']],
])(
  'Y6, S11: whenScaled %s and whenDeleted %s give claims of Pods in range the owners %o',
  async (whenScaled, whenDeleted, kinds) => {
    await using stage = await Stage.start()
    const policy = { persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted } }
    await stage.create({ ...parallel, ...policy, volumeClaimTemplates: [claimTemplate()] })
    for (const name of await stage.claimNames()) {
      expect(((await stage.claim(name)).metadata.ownerReferences ?? []).map(({ kind }) => kind)).toEqual(kinds)
    }
  },
)

test('Y7: a Pod below the partition that was held by a finalizer comes back at the old revision', async () => {
  await using stage = await Stage.start()
  await stage.create({ ...parallel, ...partition(1) })
  await stage.patchPod('web-0', { metadata: { finalizers: ['example.com/hold'] } })
  await stage.setImage('new')
  await stage.deletePod('web-0')
  expect((await stage.set()).status.readyReplicas).toBe(3)
  await stage.patchPod('web-0', { metadata: { finalizers: null } })
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=new', 'web-2=new'])
})

test.each([
  [undefined, 3, ['web-0', 'web-1', 'web-2']],
  [0, 3, ['web-0', 'web-1', 'web-2']],
  [4, 4, ['web-4', 'web-5', 'web-6', 'web-7']],
  [5, 7, ['web-5', 'web-6', 'web-7', 'web-8', 'web-9', 'web-10', 'web-11']],
])(
  'Y8: with start %s and %i replicas the Pods are %o, and one replica leaves the first',
  async (start, replicas, names) => {
    await using stage = await Stage.start()
    await stage.create({ ...parallel, replicas, ...(start !== undefined && { ordinals: { start } }) })
    expect(await stage.podNames()).toEqual(names)
    await stage.change({ replicas: 1 })
    expect(await stage.podNames()).toEqual([names[0]])
  },
)

test('L11: two sets with the same selector do not fight over Pods', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 2 })
  await stage.create({ replicas: 2 }, { name: 'api' })
  expect(await stage.podNames()).toEqual(['api-0', 'api-1', 'web-0', 'web-1'])
  expect((await stage.set()).status.replicas).toBe(2)
  expect((await stage.set('api')).status.replicas).toBe(2)
})

test('O5, T12, D2: a set that is deleted in the foreground makes no Pod again, and its status goes on', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  stage.kubelet.hold('web-1')
  await stage.deleteSet('Foreground')
  await stage.clock.advance(5000)
  expect(await stage.podNames()).toEqual(['web-1'])
  expect((await stage.set()).status).toMatchObject({ replicas: 1 })
  stage.kubelet.release('web-1')
  await stage.clock.advance(60_000)
  expect(await stage.podNames()).toEqual([])
})

test('H9, H6: history keeps as many unused revisions as the limit says', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1, revisionHistoryLimit: 2 })
  for (const image of ['b', 'c', 'd', 'e']) await stage.setImage(image)
  const { ControllerRevision } = await import('../../src/api/apps-v1/types.ts')
  const { items } = await stage.client.list(ControllerRevision, { namespace: 'default' })
  expect(items.map(({ revision }) => revision).sort()).toEqual([3, 4, 5])
})

test('I8, E2: a Pod that lost its name label gets it back', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  await stage.patchPod('web-0', { metadata: { labels: { 'statefulset.kubernetes.io/pod-name': null } } })
  expect((await stage.pod('web-0')).metadata.labels).toMatchObject({ 'statefulset.kubernetes.io/pod-name': 'web-0' })
  expect(await stage.events()).toContain('SuccessfulUpdate update Pod web-0 in StatefulSet web successful')
})
