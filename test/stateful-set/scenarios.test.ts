import { expect, test } from 'vitest'
import { StatefulSet } from '../../src/api/apps-v1/types.ts'
import { claimTemplate, partition, Stage } from './stage.ts'

const revisionsOf = async (stage: Stage): Promise<readonly (string | undefined)[]> =>
  (await stage.pods()).map(({ metadata }) => metadata.labels?.['controller-revision-hash'])

test('X1: every Pod has its name, its index and its claim, and finds the claim again after 3 → 0 → 3', async () => {
  await using stage = await Stage.start()
  await stage.create({ volumeClaimTemplates: [claimTemplate()] })
  const pods = await stage.pods()
  expect(pods.map(({ spec }) => [spec.hostname, spec.subdomain])).toEqual([
    ['web-0', 'nginx'],
    ['web-1', 'nginx'],
    ['web-2', 'nginx'],
  ])
  expect(pods.map(({ metadata }) => metadata.labels!['apps.kubernetes.io/pod-index'])).toEqual(['0', '1', '2'])
  const before = (await stage.claim('data-web-1')).metadata.uid
  await stage.change({ replicas: 0 })
  expect((await stage.set()).status.replicas).toBe(0)
  await stage.change({ replicas: 3 })
  expect((await stage.claim('data-web-1')).metadata.uid).toBe(before)
  expect((await stage.pod('web-1')).spec.volumes).toContainEqual({
    name: 'data',
    persistentVolumeClaim: { claimName: 'data-web-1' },
  })
})

test('X2, L9: matching orphans are adopted, and Pods that stop matching are released', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const { ownerReferences, labels } = (await stage.pod('web-0')).metadata
  expect(ownerReferences).toMatchObject([{ kind: 'StatefulSet', name: 'web', controller: true }])
  await stage.patchPod('web-0', { metadata: { ownerReferences: null } })
  expect((await stage.pod('web-0')).metadata.ownerReferences).toEqual(ownerReferences)
  await stage.patchPod('web-0', { metadata: { labels: null } })
  expect((await stage.pod('web-0')).metadata.ownerReferences ?? []).toEqual([])
  await stage.patchPod('web-0', { metadata: { labels: labels! } })
  expect((await stage.pod('web-0')).metadata.ownerReferences).toEqual(ownerReferences)
})

test('L10, O18: a released Pod still holds its name, and nobody is told of it over and over', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const { uid } = (await stage.pod('web-0')).metadata
  await stage.patchPod('web-0', { metadata: { labels: { app: 'mine' } } })
  await stage.clock.advance(60_000)
  expect((await stage.pod('web-0')).metadata.uid).toBe(uid)
  expect(await stage.events()).toEqual([
    'SuccessfulCreate create Pod web-0 in StatefulSet web successful',
    expect.stringMatching(
      /^NameTaken Pod web-0 is not created, because there is a Pod of that name that does not match the selector/,
    ),
  ])
  await stage.deletePod('web-0')
  await stage.clock.advance(60_000)
  expect((await stage.pod('web-0')).metadata.uid).not.toBe(uid)
})

test('X3: a Pod is made again although the one above it is not ready', async () => {
  await using stage = await Stage.start()
  stage.kubelet.let(({ metadata }) => (metadata.name === 'web-1' ? 'unready' : 'ready'))
  await stage.create({ replicas: 2 })
  const { uid } = (await stage.pod('web-0')).metadata
  await stage.deletePod('web-0', 0)
  expect((await stage.pod('web-0')).metadata.uid).not.toBe(uid)
  expect((await stage.set()).status).toMatchObject({ replicas: 2, readyReplicas: 1 })
})

test('X4, X5, H6, U16: a rollout waits for a broken Pod; going back takes the first revision up again', async () => {
  await using stage = await Stage.start()
  await stage.create({ volumeClaimTemplates: [claimTemplate()] })
  const first = (await stage.set()).status.currentRevision
  expect(await revisionsOf(stage)).toEqual([first, first, first])

  stage.kubelet.let(({ metadata }) => (metadata.name === 'web-1' ? 'unready' : 'ready'))
  await stage.rest()
  await stage.setImage('new')
  const { status } = await stage.set()
  expect(status.updateRevision).not.toBe(status.currentRevision)
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=old'])
  stage.kubelet.let(() => 'ready')
  await stage.rest()
  expect(await stage.images()).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
  expect(await revisionsOf(stage)).toEqual(Array(3).fill((await stage.set()).status.currentRevision))

  await stage.setImage('old')
  const back = (await stage.set()).status
  expect([back.updateRevision, back.currentRevision]).toEqual([first, first])
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=old'])
})

test('X6, X7, U13, U18: canaries and phases by partition; killed Pods come back at the revision of their side', async () => {
  await using stage = await Stage.start()
  await stage.create(partition(3))
  const { currentRevision } = (await stage.set()).status
  await stage.setImage('new')
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=old'])
  await stage.change(partition(2))
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=new'])
  await stage.deletePod('web-0')
  await stage.deletePod('web-2')
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=new'])
  expect((await stage.set()).status.currentRevision).toBe(currentRevision)
  await stage.change(partition(1))
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=new', 'web-2=new'])
  await stage.change(partition(0))
  expect(await stage.images()).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
  const { status } = await stage.set()
  expect(status.currentRevision).toBe(status.updateRevision)
})

test.each(['ready', 'failed'] as const)(
  'X8, X9, Y7, #118310: below the partition a Pod held by a finalizer and then %s comes back old',
  async end => {
    await using stage = await Stage.start()
    await stage.create(partition(1))
    await stage.patchPod('web-0', { metadata: { finalizers: ['example.com/hold'] } })
    await stage.setImage('new')
    await stage.deletePod('web-0', 0)
    stage.kubelet.let(({ metadata }) => (metadata.name === 'web-0' && metadata.deletionTimestamp ? end : 'ready'))
    await stage.patchPod('web-0', { metadata: { finalizers: null } })
    expect(await stage.images()).toEqual(['web-0=old', 'web-1=new', 'web-2=new'])
    expect((await stage.set()).status).toMatchObject({ readyReplicas: 3, updatedReplicas: 2 })
  },
)

test('X10, U9: with maxUnavailable 2 never more than two Pods are not ready', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 5, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } })
  stage.statusHistory.length = 0
  await stage.setImage('new')
  const ready = stage.statusHistory.map(line => Number(/ready=(\d+)/.exec(line)?.[1] ?? 0))
  expect(Math.min(...ready)).toBeGreaterThanOrEqual(3)
  expect((await stage.set()).status).toMatchObject({ updatedReplicas: 5, readyReplicas: 5 })
})

test('X11, D9: a Pod that its machine refuses is replaced until it is accepted', async () => {
  await using stage = await Stage.start()
  stage.kubelet.let(() => 'failed')
  await stage.create({ replicas: 1 })
  expect(stage.podHistory.filter(line => line === '-web-0').length).toBeGreaterThan(0)
  stage.kubelet.let(() => 'ready')
  await stage.clock.advance(60_000)
  expect((await stage.pod('web-0')).status.phase).toBe('Running')
})

test('X12, T8, #73492: OnDelete replaces only what somebody deletes, and is complete when all were', async () => {
  await using stage = await Stage.start()
  await stage.create({ updateStrategy: { type: 'OnDelete' } })
  for (const name of ['web-0', 'web-1', 'web-2']) await stage.deletePod(name)
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=old'])
  await stage.setImage('new')
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=old'])
  expect(await stage.progressing()).toMatchObject({ status: 'True', reason: 'WaitingForDelete' })
  for (const name of ['web-0', 'web-1', 'web-2']) await stage.deletePod(name)
  expect(await stage.images()).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
  const { status } = await stage.set()
  expect(status.currentRevision).toBe(status.updateRevision)
})

test('X13: scaling goes in order and stops while a Pod is not healthy', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  stage.kubelet.let(() => 'unready')
  await stage.rest()
  await stage.change({ replicas: 3 })
  await stage.clock.advance(10_000)
  expect(await stage.podNames()).toEqual(['web-0'])
  stage.kubelet.let(() => 'ready')
  await stage.rest()
  expect(stage.podHistory).toEqual(['+web-0', '+web-1', '+web-2'])

  stage.kubelet.let(() => 'unready')
  await stage.rest()
  stage.podHistory.length = 0
  await stage.change({ replicas: 0 })
  await stage.clock.advance(10_000)
  expect(await stage.podNames()).toEqual(['web-0', 'web-1', 'web-2'])
  stage.kubelet.let(() => 'ready')
  await stage.rest()
  expect(stage.podHistory).toEqual(['~web-2', '-web-2', '~web-1', '-web-1', '~web-0', '-web-0'])
})

test('X14: Parallel scales up and down although Pods are not healthy', async () => {
  await using stage = await Stage.start()
  stage.kubelet.let(() => 'unready')
  await stage.create({ replicas: 1, podManagementPolicy: 'Parallel' })
  await stage.change({ replicas: 3 })
  expect(await stage.podNames()).toEqual(['web-0', 'web-1', 'web-2'])
  await stage.change({ replicas: 0 })
  expect(await stage.podNames()).toEqual([])
  expect((await stage.set()).status.replicas).toBe(0)
})

test('X17, T11: conditions that others write through the status are delivered and stay', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const set = await stage.set()
  const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' }
  const conditions = [...(set.status.conditions ?? []), condition]
  await stage.client.updateStatus(StatefulSet, { ...set, status: { ...set.status, conditions } })
  await stage.change({ replicas: 2 })
  expect((await stage.set()).status).toMatchObject({ replicas: 2, readyReplicas: 2 })
  expect((await stage.set()).status.conditions).toContainEqual(condition)
})

test('X21, U19, L5: minReadySeconds delays the next Pod and the count of available ones', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 2, minReadySeconds: 30 })
  await stage.clock.advance(5000)
  expect(await stage.podNames()).toEqual(['web-0'])
  expect((await stage.set()).status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 })
  await stage.clock.advance(70_000)
  expect((await stage.set()).status).toMatchObject({ readyReplicas: 2, availableReplicas: 2 })
  await stage.change({ minReadySeconds: 3600 })
  expect((await stage.set()).status.availableReplicas).toBe(0)
  await stage.change({ minReadySeconds: 0 })
  expect((await stage.set()).status.availableReplicas).toBe(2)
})

const retention = (whenScaled: string, whenDeleted: string) => ({
  volumeClaimTemplates: [claimTemplate()],
  persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
})

test('X22a: with whenDeleted Delete the claims go with the set', async () => {
  await using stage = await Stage.start()
  await stage.create(retention('Retain', 'Delete'))
  const owners = (await stage.claim('data-web-0')).metadata.ownerReferences
  expect(owners).toMatchObject([{ kind: 'StatefulSet', name: 'web', controller: true, blockOwnerDeletion: true }])
  await stage.deleteSet()
  await stage.clock.advance(60_000)
  expect(await stage.claimNames()).toEqual([])
})

test('X22b: with whenScaled Delete the claims go with their Pods', async () => {
  await using stage = await Stage.start()
  await stage.create(retention('Delete', 'Retain'))
  await stage.change({ replicas: 1 })
  expect(await stage.claimNames()).toEqual(['data-web-0'])
})

test('S10, X1: under Retain no claim ever goes', async () => {
  await using stage = await Stage.start()
  await stage.create(retention('Retain', 'Retain'))
  await stage.change({ replicas: 0 })
  await stage.deleteSet()
  await stage.clock.advance(60_000)
  expect(await stage.claimNames()).toEqual(['data-web-0', 'data-web-1', 'data-web-2'])
})

test('X22c, E4: a claim that another controller owns survives its Pod, and is told of', async () => {
  await using stage = await Stage.start()
  await stage.create(retention('Retain', 'Retain'))
  const owner = { apiVersion: 'v1', kind: 'Namespace', name: 'default', uid: 'somebody', controller: true }
  await stage.patchClaim('data-web-1', { metadata: { ownerReferences: [owner], finalizers: ['example.com/keep'] } })
  await stage.change({ persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Retain' } })
  await stage.change({ replicas: 0 })
  expect(await stage.claimNames()).toEqual(['data-web-1'])
})

test('X22d: the claims of an adopted Pod go with the set too', async () => {
  await using stage = await Stage.start()
  await stage.create(retention('Retain', 'Delete'))
  await stage.patchPod('web-2', { metadata: { ownerReferences: null } })
  await stage.deleteSet()
  await stage.clock.advance(60_000)
  expect(await stage.claimNames()).toEqual([])
})

test('X22e: an orphaned Pod is adopted, condemned, and takes its claim along', async () => {
  await using stage = await Stage.start()
  await stage.create(retention('Delete', 'Retain'))
  await stage.patchPod('web-2', { metadata: { ownerReferences: null } })
  await stage.change({ replicas: 1 })
  expect(await stage.claimNames()).toEqual(['data-web-0'])
})

test('X22f: owners of others are respected, and ours repaired', async () => {
  await using stage = await Stage.start()
  await stage.create({ ...retention('Retain', 'Retain'), replicas: 4 })
  const config = { apiVersion: 'v1', kind: 'Namespace', name: 'default', uid: 'somebody' }
  const foreign = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'unknown', uid: 'gone', controller: true }
  await stage.patchClaim('data-web-1', { metadata: { ownerReferences: [config], finalizers: ['example.com/keep'] } })
  await stage.patchClaim('data-web-3', { metadata: { ownerReferences: [foreign], finalizers: ['example.com/keep'] } })
  await stage.change({ persistentVolumeClaimRetentionPolicy: { whenScaled: 'Retain', whenDeleted: 'Delete' } })
  const ownersOf = async (name: string) =>
    ((await stage.claim(name)).metadata.ownerReferences ?? []).map(
      ({ kind, controller }) => `${kind} ${controller ?? false}`,
    )
  expect(await ownersOf('data-web-0')).toEqual(['StatefulSet true'])
  expect(await ownersOf('data-web-1')).toEqual(['Namespace false', 'StatefulSet true'])
  expect((await stage.claim('data-web-3')).metadata.ownerReferences).toEqual([foreign])

  const [ours] = (await stage.claim('data-web-0')).metadata.ownerReferences!
  await stage.patchClaim('data-web-0', { metadata: { ownerReferences: [{ ...ours, controller: false }] } })
  await stage.change({ persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Delete' } })
  expect(await ownersOf('data-web-0')).toEqual(['StatefulSet true'])
})

test('X23, S8, #74374: a Pending Pod that lost its claim gets another', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1, volumeClaimTemplates: [claimTemplate()] })
  stage.kubelet.let(() => 'pending')
  await stage.deletePod('web-0')
  const { PersistentVolumeClaim } = await import('../../src/api/core-v1/types.ts')
  const before = (await stage.claim('data-web-0')).metadata.uid
  await stage.patchClaim('data-web-0', { metadata: { finalizers: null } })
  await stage.client.delete(PersistentVolumeClaim, { namespace: 'default', name: 'data-web-0' })
  await stage.rest()
  expect((await stage.claim('data-web-0')).metadata.uid).not.toBe(before)
})

test.each([
  ['X24: setting a start', undefined, 2, { ordinals: { start: 2 }, replicas: 3 }, ['web-2', 'web-3', 'web-4']],
  ['X25: raising it', { start: 2 }, 2, { ordinals: { start: 4 } }, ['web-4', 'web-5']],
  ['X26: lowering it', { start: 3 }, 2, { ordinals: { start: 2 } }, ['web-2', 'web-3']],
  ['X27: removing it', { start: 3 }, 2, { ordinals: null }, ['web-0', 'web-1']],
])('%s moves the Pods', async (_title, ordinals, replicas, change, names) => {
  await using stage = await Stage.start()
  await stage.create({ replicas, ...(ordinals && { ordinals }) })
  const kept = (await stage.pods()).filter(({ metadata }) => names.includes(metadata.name))
  await stage.change(change)
  expect(await stage.podNames()).toEqual(names)
  expect((await stage.set()).status).toMatchObject({ replicas: names.length, readyReplicas: names.length })
  for (const { metadata } of kept) expect((await stage.pod(metadata.name)).metadata.uid).toBe(metadata.uid)
})
