import { expect, test } from 'vitest'
import { Event, Node, Pod } from '../../src/api/core-v1/types.ts'
import { claimTemplate, partition, podTemplate, Stage } from './stage.ts'
import { quotaOf } from './tampering.ts'

const warningsOf = async (stage: Stage): Promise<readonly string[]> => {
  const { items } = await stage.client.list(Event, { namespace: 'default' })
  return items
    .filter(({ type, involvedObject }) => type === 'Warning' && involvedObject.kind === 'StatefulSet')
    .map(({ reason, count }) => `${reason} x${count}`)
}

/** Ready with any image but this one. */
const readyBut =
  (image: string) =>
  ({ spec }: { spec: { containers: readonly { image?: string }[] } }) =>
    spec.containers[0]!.image === image ? 'unready' : 'ready'

test.each(['#60164', '#88896', '#141095'])(
  'B1, W6, %s: a bad image that was put right again is released by the command that the set names',
  async () => {
    await using stage = await Stage.start()
    await stage.create({})
    stage.kubelet.let(readyBut('bad'))
    await stage.setImage('bad')
    expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=bad'])
    await stage.setImage('old')
    expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=bad'])
    const { status, message } = await stage.progressing()
    expect(status).toBe('False')
    expect(message).toContain('Released by "kubectl delete pod web-2 -n default"')
    expect(await warningsOf(stage)).toHaveLength(1)
    await stage.deletePod('web-2')
    expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=old'])
    expect(await stage.progressing()).toMatchObject({ status: 'True', reason: 'Complete' })
  },
)

test('B2, I10, #64023, #79337: a set whose name is too long says so, and how long it may be', async () => {
  await using stage = await Stage.start()
  const name = 'n'.repeat(60)
  await stage.create({ replicas: 1 }, { name })
  const { conditions = [] } = (await stage.set(name)).status
  expect(conditions[0]).toMatchObject({ type: 'Progressing', status: 'False', reason: 'NameTooLong' })
  expect(conditions[0]!.message).toContain('under a name of at most 52 characters')
})

test('B5, #118310: a Pod that failed below the partition comes back old, and the set says so meanwhile', async () => {
  await using stage = await Stage.start()
  await stage.create(partition(1))
  await stage.setImage('new')
  await stage.patchPod('web-0', { metadata: { finalizers: ['example.com/hold'] } })
  await stage.deletePod('web-0')
  expect((await stage.progressing()).message).toMatch(
    /^Pod web-0 is being deleted, but held by example.com\/hold.*since its ordinal lies below the partition/,
  )
  await stage.patchPod('web-0', { metadata: { finalizers: null } })
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=new', 'web-2=new'])
  expect(await stage.progressing()).toMatchObject({ status: 'True', reason: 'PartitionReached' })
})

test('B9, #121534: scaling to zero ends a partitioned rollout, and the set says what comes next', async () => {
  await using stage = await Stage.start()
  await stage.create(partition(2))
  await stage.setImage('new')
  await stage.change({ replicas: 0 })
  expect((await stage.progressing()).message).toContain('whatever the partition')
  await stage.change({ replicas: 3 })
  expect(await stage.images()).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
})

test('B13, O16, #140858: at its quota a Parallel set still moves, and says what it waits for', async () => {
  await using stage = await Stage.start({ tampering: quotaOf(3) })
  await stage.create({ podManagementPolicy: 'Parallel' })
  await stage.change({ replicas: 5 })
  expect(await stage.progressing()).toMatchObject({ status: 'False', reason: 'QuotaExceeded' })
  await stage.change({ replicas: 2, ordinals: { start: 1 } })
  await stage.clock.advance(60_000)
  expect(await stage.podNames()).toEqual(['web-1', 'web-2'])
  expect(await stage.progressing()).toMatchObject({ status: 'True', reason: 'Complete' })
})

test.each(['#74374', '#89910'])(
  'B14, B22, S5, S9, %s: a Pod waits for a claim that is being deleted, and comes at once when it is gone',
  async () => {
    await using stage = await Stage.start()
    await stage.create({ replicas: 1, volumeClaimTemplates: [claimTemplate()] })
    await stage.patchClaim('data-web-0', { metadata: { finalizers: ['example.com/hold'] } })
    const { PersistentVolumeClaim } = await import('../../src/api/core-v1/types.ts')
    await stage.client.delete(PersistentVolumeClaim, { namespace: 'default', name: 'data-web-0' })
    await stage.deletePod('web-0')
    await stage.clock.advance(300_000)
    expect(await stage.podNames()).toEqual([])
    expect(await stage.progressing()).toMatchObject({ status: 'False', reason: 'ClaimTerminating' })
    expect(await stage.events()).toContain(
      'FailedCreate create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted',
    )
    const at = stage.clock.monotonicMs()
    await stage.client.patch(
      PersistentVolumeClaim,
      { namespace: 'default', name: 'data-web-0' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    )
    for (let turn = 0; turn < 50; turn++) await stage.clock.rest()
    expect(await stage.podNames()).toEqual(['web-0'])
    expect(stage.clock.monotonicMs()).toBe(at)
  },
)

test('S17, S9: the new Pod waits for the claim of its former self without an error, and comes when it is gone', async () => {
  await using stage = await Stage.start()
  const policy = { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Retain' } }
  await stage.create({ replicas: 2, volumeClaimTemplates: [claimTemplate()], ...policy })
  await stage.patchClaim('data-web-1', { metadata: { finalizers: ['example.com/hold'] } })
  await stage.change({ replicas: 1 })
  await stage.change({ replicas: 2 })
  expect(await stage.podNames()).toEqual(['web-0'])
  expect(await stage.progressing()).toMatchObject({ status: 'False', reason: 'ClaimOfFormerPod' })
  expect(await warningsOf(stage)).toEqual(['ClaimOfFormerPod x1'])
  await stage.patchClaim('data-web-1', { metadata: { finalizers: null } })
  expect(await stage.podNames()).toEqual(['web-0', 'web-1'])
})

test.each(['#54368', '#74689'])(
  'B16, N3, %s: a Pod on a machine that does not answer keeps its name, and the set says why',
  async () => {
    await using stage = await Stage.start()
    const conditions = [{ type: 'Ready', status: 'Unknown', lastTransitionTime: '2026-01-01T00:00:00Z' }]
    const node = await stage.client.create(Node, { metadata: { name: 'n1' }, spec: {} })
    await stage.create({})
    await stage.client.updateStatus(Node, { ...node, status: { conditions } })
    stage.kubelet.hold('web-1')
    await stage.deletePod('web-1')
    await stage.clock.advance(600_000)
    expect(stage.podHistory.filter(line => line === '+web-1')).toHaveLength(1)
    expect(await stage.progressing()).toMatchObject({
      status: 'False',
      reason: 'NodeNotAnswering',
      message: expect.stringContaining(
        'node n1 has not answered since 2026-01-01T00:00:00Z, so its containers may still run there and no second web-1 may start',
      ),
    })
    expect(await warningsOf(stage)).toEqual(['NodeNotAnswering x1'])
    await stage.deletePod('web-1', 0)
    expect(stage.podHistory.filter(line => line === '+web-1')).toHaveLength(2)
  },
)

test('#57865, stumbling block 11: a set that cannot scale to zero names the Pod and the way out', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 2 })
  stage.kubelet.let(() => 'unready')
  await stage.rest()
  await stage.change({ replicas: 0 })
  expect((await stage.progressing()).message).toContain(
    '"kubectl delete pod web-1 -n default", which is not made again',
  )
  await stage.deletePod('web-1')
  expect(await stage.podNames()).toEqual([])
})

test('#123918: a Pod held by a finalizer after it has ended is replaced only when it is gone', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const { uid } = (await stage.pod('web-0')).metadata
  await stage.patchPod('web-0', { metadata: { finalizers: ['example.com/hold'] } })
  await stage.deletePod('web-0')
  const going = await stage.pod('web-0')
  await stage.client.updateStatus(Pod, { ...going, status: { ...going.status, phase: 'Failed' } })
  await stage.clock.advance(120_000)
  expect((await stage.pod('web-0')).metadata.uid).toBe(uid)
  expect((await stage.events()).filter(event => event.startsWith('Failed'))).toEqual([])
  await stage.patchPod('web-0', { metadata: { finalizers: null } })
  expect((await stage.pod('web-0')).metadata.uid).not.toBe(uid)
})

test('#137409: Parallel replaces Pods that are not ready although the budget is used up', async () => {
  await using stage = await Stage.start()
  await stage.create({ podManagementPolicy: 'Parallel', template: podTemplate('bad') })
  stage.kubelet.let(readyBut('bad'))
  await stage.rest()
  await stage.setImage('good')
  expect(await stage.images()).toEqual(['web-0=good', 'web-1=good', 'web-2=good'])
})

test('a set that only waits for its Pods to start tells nobody', async () => {
  await using stage = await Stage.start()
  stage.kubelet.let(() => 'pending')
  await stage.create({})
  await stage.clock.advance(600_000)
  expect(await warningsOf(stage)).toEqual([])
})
