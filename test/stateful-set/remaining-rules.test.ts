import { expect, test } from 'vitest'
import { StatefulSet } from '../../src/api/apps-v1/types.ts'
import { claimTemplate, Stage } from './stage.ts'

test('U2, T2: a new template reaches a Pod by deleting it and making it anew under its name, and its generation is observed', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const before = await stage.pod('web-0')
  await stage.setImage('new')
  const after = await stage.pod('web-0')
  expect(after.metadata.uid).not.toBe(before.metadata.uid)
  expect(stage.podHistory).toEqual(['+web-0', '~web-0', '-web-0', '+web-0'])
  const { metadata, status } = await stage.set()
  expect(status.observedGeneration).toBe(metadata.generation)
})

test('E6: the event of a claim comes before that of its Pod, and both are about the set', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1, volumeClaimTemplates: [claimTemplate()] })
  expect(await stage.events()).toEqual([
    expect.stringMatching(/^SuccessfulCreate create Claim data-web-0 Pod web-0/),
    expect.stringMatching(/^SuccessfulCreate create Pod web-0/),
  ])
})

test('O21, W9: a Pod that cannot end blocks an ordered set at its ordinal', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 3 })
  stage.kubelet.hold('web-1')
  await stage.deletePod('web-1')
  await stage.deletePod('web-2')
  await stage.clock.advance(600_000)
  expect(await stage.podNames()).toEqual(['web-0', 'web-1'])
  stage.kubelet.release('web-1')
  await stage.rest()
  expect(await stage.podNames()).toEqual(['web-0', 'web-1', 'web-2'])
})

test('D10, L2: a Pod that is deleted without grace is gone at once, which is noticed, and is made anew', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const { uid } = (await stage.pod('web-0')).metadata
  stage.kubelet.hold('web-0')
  await stage.deletePod('web-0', 0)
  expect((await stage.pod('web-0')).metadata.uid).not.toBe(uid)
})

test('R3: deleting a set without saying how takes its Pods along in the background', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 2 })
  await stage.client.delete(StatefulSet, { namespace: 'default', name: 'web' })
  await stage.rest()
  expect(await stage.podNames()).toEqual([])
})

test('D11: deleting a set waits for nothing; a Pod that cannot end stays behind', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 3 })
  stage.kubelet.hold('web-1')
  await stage.deleteSet()
  expect(await stage.podNames()).toEqual(['web-1'])
})

test('O4, O15: among Pods outside the range only the lowest unhealthy one may go, healthy ones above it before', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 4 })
  stage.kubelet.let(({ metadata }) => (['web-1', 'web-3'].includes(metadata.name) ? 'unready' : 'ready'))
  await stage.rest()
  await stage.change({ replicas: 1 })
  expect(await stage.podNames()).toEqual(['web-0', 'web-1', 'web-2', 'web-3'])
  stage.kubelet.let(({ metadata }) => (metadata.name === 'web-1' ? 'unready' : 'ready'))
  await stage.rest()
  expect(await stage.podNames()).toEqual(['web-0'])
})

test('B26: a claim that no Pod uses any more keeps the owners that it had when the policy changes', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 2, volumeClaimTemplates: [claimTemplate()] })
  await stage.change({ replicas: 1 })
  await stage.change({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } })
  const ownersOf = async (name: string) =>
    ((await stage.claim(name)).metadata.ownerReferences ?? []).map(({ kind }) => kind)
  expect(await ownersOf('data-web-0')).toEqual(['StatefulSet'])
  expect(await ownersOf('data-web-1')).toEqual([])
  await stage.deleteSet('Background')
  await stage.clock.advance(60_000)
  expect(await stage.claimNames()).toEqual(['data-web-1'])
})
