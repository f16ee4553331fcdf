import { expect, test } from 'vitest'
import { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../../api/core-v1/types.ts'
import { StorageClass } from '../../../api/storage-v1/types.ts'
import { claimOf, classOf, nodeOf, podOf, TestWorld, volumeOf } from '../../fixtures.ts'
import { createScheduler } from '../../scheduler.ts'

const SELECTED = 'volume.kubernetes.io/selected-node'
const csi = { storageClassName: 'csi' }
const inDefault = (name: string) => ({ namespace: 'default', name })

/** Two machines and a class whose provisioner is the test itself. */
async function startWorld(storageClass: StorageClass = classOf('csi', { provisioner: 'example.com/csi' })) {
  const world = new TestWorld()
  for (const name of ['node1', 'node2']) await world.client.create(Node, nodeOf(name, { labels: { zone: name } }))
  await world.client.create(StorageClass, storageClass)
  await world.client.create(PersistentVolumeClaim, claimOf('data', csi))
  await world.start(createScheduler(world.dependencies()))
  return world
}

const claimIn = (world: TestWorld) => world.client.get(PersistentVolumeClaim, inDefault('data'))

async function provision(world: TestWorld, host: string): Promise<void> {
  await world.client.create(PersistentVolume, volumeOf('pv', { hosts: [host], spec: csi, phase: 'Bound' }))
  const claim = await claimIn(world)
  const annotations = { ...claim.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' }
  await world.client.update(PersistentVolumeClaim, {
    ...claim,
    metadata: { ...claim.metadata, annotations },
    spec: { ...claim.spec, volumeName: 'pv' },
  })
  await world.rest()
}

test('the claim is told the machine, and the Pod is bound when its volume is', async () => {
  await using world = await startWorld()
  await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
  await world.rest()
  const selected = (await claimIn(world)).metadata.annotations?.[SELECTED]
  expect(['node1', 'node2']).toContain(selected)
  expect(await world.nodeOf('web-0')).toBeUndefined()
  await provision(world, selected!)
  expect(await world.nodeOf('web-0')).toBe(selected)
})

test('a provisioner that takes the selection back sends the Pod to look again', async () => {
  await using world = await startWorld()
  await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
  await world.rest()
  const claim = await claimIn(world)
  const first = claim.metadata.annotations![SELECTED]!
  const node = await world.client.get(Node, { name: first })
  await world.client.update(Node, { ...node, spec: { unschedulable: true } })
  await world.client.update(PersistentVolumeClaim, { ...claim, metadata: { ...claim.metadata, annotations: {} } })
  await world.rest()
  expect(world.eventsAbout('web-0').at(-1)).toBe(
    'FailedScheduling running PreBind plugin "VolumeBinding": binding volumes: selectedNode annotation reset for PVC "data"',
  )
  await world.clock.advance(1000)
  expect((await claimIn(world)).metadata.annotations?.[SELECTED]).not.toBe(first)
})

test('a Pod waits ten minutes for its volume, then frees the machine and tries again', async () => {
  await using world = await startWorld()
  await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
  await world.clock.advance(599_000)
  expect(world.eventsAbout('web-0')).toEqual([])
  await world.clock.advance(1000)
  expect(world.eventsAbout('web-0')).toEqual([
    'FailedScheduling running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
  ])
})

test('a Pod deleted while it waits for its volume is not bound', async () => {
  await using world = await startWorld()
  await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
  await world.rest()
  await world.client.delete(Pod, inDefault('web-0'))
  await world.rest()
  await provision(world, (await claimIn(world)).metadata.annotations![SELECTED]!)
  expect(world.api.bindings).toEqual([])
  expect(world.eventsAbout('web-0')).toEqual([])
})

test('volumes are made only in the topologies that the class allows', async () => {
  const allowedTopologies = [{ matchLabelExpressions: [{ key: 'zone', values: ['node2'] }] }]
  await using world = await startWorld(classOf('csi', { provisioner: 'example.com/csi', allowedTopologies }))
  await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
  await world.rest()
  expect((await claimIn(world)).metadata.annotations?.[SELECTED]).toBe('node2')
})

test('a volume made by hand is taken rather than a new one made', async () => {
  await using world = await startWorld()
  await world.client.create(PersistentVolume, volumeOf('by-hand', { hosts: ['node2'], spec: csi }))
  const pod = podOf('web-0', { claims: ['data'], spec: { nodeSelector: { zone: 'node2' } } })
  await world.client.create(Pod, pod)
  await world.rest()
  const volume = await world.client.get(PersistentVolume, { name: 'by-hand' })
  expect(volume.spec.claimRef).toMatchObject({ name: 'data', uid: 'uid-of-data' })
  expect((await claimIn(world)).metadata.annotations?.[SELECTED]).toBeUndefined()
})
