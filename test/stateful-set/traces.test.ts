import { expect, test } from 'vitest'
import { claimTemplate, podTemplate, Stage } from './stage.ts'

/** Healthy but for the Pods named. */
const unready =
  (...names: string[]) =>
  ({ metadata }: { metadata: { name?: string } }) =>
    names.includes(metadata.name!) ? 'unready' : 'ready'

test('W1: an ordered set of two comes up Pod by Pod, claims first', async () => {
  await using stage = await Stage.start()
  const started: string[] = []
  stage.kubelet.let(({ metadata }) => (started.includes(metadata.name!) ? 'ready' : 'pending'))
  await stage.create({ replicas: 2, volumeClaimTemplates: [claimTemplate()] })
  for (const name of ['web-0', 'web-1']) {
    started.push(name)
    stage.kubelet.let(({ metadata }) => (started.includes(metadata.name!) ? 'ready' : 'pending'))
    await stage.rest()
  }
  expect(stage.podHistory).toEqual(['+web-0', '+web-1'])
  expect(await stage.events()).toEqual([
    'SuccessfulCreate create Claim data-web-0 Pod web-0 in StatefulSet web success',
    'SuccessfulCreate create Pod web-0 in StatefulSet web successful',
    'SuccessfulCreate create Claim data-web-1 Pod web-1 in StatefulSet web success',
    'SuccessfulCreate create Pod web-1 in StatefulSet web successful',
  ])
  expect(stage.statusHistory.filter(line => line.startsWith('og=1'))).toEqual([
    'og=1 replicas=0 ready=- current=- updated=- available=0 same',
    'og=1 replicas=1 ready=- current=1 updated=1 available=0 same',
    'og=1 replicas=1 ready=1 current=1 updated=1 available=1 same',
    'og=1 replicas=2 ready=1 current=2 updated=2 available=1 same',
    'og=1 replicas=2 ready=2 current=2 updated=2 available=2 same',
  ])
})

test.each([
  ['partition 0', { rollingUpdate: { partition: 0 } }],
  ['no rollingUpdate', {}],
])('W2, T13, U2: a rollout replaces one Pod at a time from the top, with %s', async (_what, more) => {
  await using stage = await Stage.start()
  await stage.create({ updateStrategy: { type: 'RollingUpdate', ...more } })
  stage.podHistory.length = 0
  await stage.setImage('new')
  expect(stage.podHistory.join(' ')).toBe(
    ['~web-2 -web-2 +web-2', '~web-1 -web-1 +web-1', '~web-0 -web-0 +web-0'].join(' '),
  )
  expect(stage.statusHistory.filter(line => line.startsWith('og=2'))[0]).toBe(
    'og=2 replicas=3 ready=3 current=2 updated=- available=3 differ',
  )
  expect(stage.statusHistory.at(-1)).toBe('og=2 replicas=3 ready=3 current=3 updated=3 available=3 same')
  expect(await stage.images()).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
})

test.each([
  [['web-2'], ['web-0'], ['~web-2', '-web-2', '~web-1', '-web-1']],
  [['web-1'], ['web-0'], ['~web-2', '-web-2', '~web-1', '-web-1']],
  [['web-1', 'web-2'], ['web-0', 'web-1', 'web-2'], []],
  [['web-0'], ['web-0', 'web-1', 'web-2'], []],
])('W3: scaling 3 to 1 with %o unready leaves %o', async (broken, left, history) => {
  await using stage = await Stage.start()
  await stage.create({})
  stage.kubelet.let(unready(...broken))
  await stage.rest()
  stage.podHistory.length = 0
  await stage.change({ replicas: 1 })
  expect(await stage.podNames()).toEqual(left)
  expect(stage.podHistory).toEqual(history)
})

test('W4: scaling to zero with all unready removes nothing', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  stage.kubelet.let(() => 'unready')
  await stage.rest()
  await stage.change({ replicas: 0 })
  expect(await stage.podNames()).toEqual(['web-0', 'web-1', 'web-2'])
  expect(await stage.progressing()).toMatchObject({ status: 'False' })
})

test('W5: Parallel without maxUnavailable replaces the top first, then waits for each', async () => {
  await using stage = await Stage.start({ features: { maxUnavailable: false } })
  await stage.create({ podManagementPolicy: 'Parallel' })
  stage.kubelet.let(unready('web-1'))
  await stage.rest()
  stage.podHistory.length = 0
  stage.kubelet.let(pod => (pod.metadata.name === 'web-2' ? 'unready' : unready('web-1')(pod)))
  await stage.setImage('new')
  expect(stage.podHistory).toEqual(['~web-2', '-web-2', '+web-2'])
  stage.kubelet.let(unready('web-1'))
  await stage.rest()
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=new', 'web-2=new'])
  stage.kubelet.let(() => 'ready')
  await stage.rest()
  expect(await stage.images()).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
})

test('W7: a moved range is filled Pod by Pod, then the old Pods go from the top', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 2 })
  stage.podHistory.length = 0
  await stage.change({ replicas: 3, ordinals: { start: 2 } })
  expect(stage.podHistory).toEqual(['+web-2', '+web-3', '+web-4', '~web-1', '-web-1', '~web-0', '-web-0'])
  expect(stage.statusHistory.some(line => line.includes('replicas=5'))).toBe(true)
})

test('W8, S5, S17: scaled down and up again at once, a Pod waits until the claim of its former self is gone', async () => {
  await using stage = await Stage.start()
  const policy = { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Retain' } }
  await stage.create({ volumeClaimTemplates: [claimTemplate()], ...policy })
  const before = (await stage.claim('data-web-1')).metadata.uid
  stage.kubelet.hold('web-2')
  await stage.change({ replicas: 1 })
  await stage.change({ replicas: 3 })
  expect(await stage.podNames()).toEqual(['web-0', 'web-1', 'web-2'])
  await stage.change({ replicas: 1 })
  stage.kubelet.release('web-2')
  await stage.rest()
  expect(await stage.podNames()).toEqual(['web-0'])
  await stage.change({ replicas: 3 })
  expect(await stage.podNames()).toEqual(['web-0', 'web-1', 'web-2'])
  expect((await stage.claim('data-web-1')).metadata.uid).not.toBe(before)
})

test('W9: while a lost Pod is in the way nothing above it moves, and what lies below is still repaired', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  stage.kubelet.hold('web-1')
  await stage.deletePod('web-1')
  await stage.change({ replicas: 5 })
  await stage.deletePod('web-0')
  await stage.deletePod('web-2')
  expect(await stage.podNames()).toEqual(['web-0', 'web-1'])
  stage.kubelet.release('web-1')
  await stage.rest()
  expect(await stage.podNames()).toEqual(['web-0', 'web-1', 'web-2', 'web-3', 'web-4'])
})

test('W10, D3, D4, L8, H10: made again after an orphaning delete, a set takes its Pods and revisions back', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  const before = await stage.pods()
  const { updateRevision } = (await stage.set()).status
  await stage.deleteSet('Orphan')
  expect((await stage.pods()).every(({ metadata }) => !metadata.ownerReferences?.length)).toBe(true)
  await stage.create({ template: podTemplate('old') })
  const set = await stage.set()
  const after = await stage.pods()
  expect(after.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid))
  expect(after.map(({ metadata }) => metadata.ownerReferences?.[0]?.uid)).toEqual(Array(3).fill(set.metadata.uid))
  expect(set.status).toMatchObject({ updateRevision, currentRevision: updateRevision, readyReplicas: 3 })
})
