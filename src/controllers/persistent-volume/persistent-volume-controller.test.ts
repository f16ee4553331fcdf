import { expect, test } from 'vitest'
import { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import { StorageClass } from '../../api/storage-v1/types.ts'
import { controllerComponent } from '../../client/run-controller.ts'
import { claimOf, classOf, nodeOf, podOf, TestWorld, volumeOf } from '../../scheduler/fixtures.ts'
import { createScheduler } from '../../scheduler/scheduler.ts'
import { localVolumeProvisioner } from '../local-volume-provisioner/local-volume-provisioner.ts'
import { standardStorageClass } from '../local-volume-provisioner/standard-storage-class.ts'
import { persistentVolumeController } from './persistent-volume-controller.ts'
import { claimProtectionController, volumeProtectionController } from './protection.ts'

class FakeDisk {
  readonly directories = new Set<string>()
  async makeDirectory(path: string): Promise<void> {
    this.directories.add(path)
  }
  async setMode(): Promise<void> {}
  async remove(path: string): Promise<void> {
    this.directories.delete(path)
  }
}

const inDefault = (name: string) => ({ namespace: 'default', name })

/** Two machines with a provisioner each, a scheduler and the volume controllers. */
async function startWorld(): Promise<{ world: TestWorld; disks: Record<string, FakeDisk> }> {
  const world = new TestWorld()
  const disks: Record<string, FakeDisk> = { node1: new FakeDisk(), node2: new FakeDisk() }
  for (const name of Object.keys(disks)) await world.client.create(Node, nodeOf(name))
  const controllers = [persistentVolumeController, claimProtectionController, volumeProtectionController]
  const provisioners = Object.entries(disks).map(([nodeName, disk]) =>
    localVolumeProvisioner({ nodeName, root: '/var/lib/volumes', disk }),
  )
  await world.start(
    createScheduler(world.dependencies()),
    ...[...controllers, ...provisioners].map(definition => controllerComponent(definition, world.dependencies())),
  )
  return { world, disks }
}

const claimNamed = (world: TestWorld, name: string) => world.client.find(PersistentVolumeClaim, inDefault(name))
const volumeNamed = (world: TestWorld, name: string) => world.client.find(PersistentVolume, { name })
const afterAWhile = (world: TestWorld) => world.clock.advance(20_000)

test('volumes made by hand are bound, one to each claim, and both sides show it', async () => {
  const { world } = await startWorld()
  await using _ = world
  for (const name of ['pv001', 'pv002']) await world.client.create(PersistentVolume, volumeOf(name))
  for (const name of ['www-web-0', 'www-web-1']) await world.client.create(PersistentVolumeClaim, claimOf(name))
  await afterAWhile(world)
  const claims = await Promise.all(['www-web-0', 'www-web-1'].map(name => claimNamed(world, name)))
  expect(claims.map(claim => claim?.status.phase)).toEqual(['Bound', 'Bound'])
  expect(claims.map(claim => claim?.spec.volumeName).sort()).toEqual(['pv001', 'pv002'])
  expect(claims[0]?.status).toMatchObject({ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] })
  const volume = await volumeNamed(world, claims[0]!.spec.volumeName!)
  expect(volume?.status.phase).toBe('Bound')
  expect(volume?.spec.claimRef).toMatchObject({ namespace: 'default', name: 'www-web-0', uid: 'uid-of-www-web-0' })
})

test('a claim that comes before its volume is bound when the volume comes', async () => {
  const { world } = await startWorld()
  await using _ = world
  await world.client.create(PersistentVolumeClaim, claimOf('data'))
  await afterAWhile(world)
  expect((await claimNamed(world, 'data'))?.status.phase).toBe('Pending')
  await world.client.create(PersistentVolume, volumeOf('pv', { phase: undefined }))
  await afterAWhile(world)
  expect((await claimNamed(world, 'data'))?.status.phase).toBe('Bound')
})

test('a retained volume is Released when its claim goes, and is not given to another', async () => {
  const { world } = await startWorld()
  await using _ = world
  await world.client.create(PersistentVolume, volumeOf('pv'))
  await world.client.create(PersistentVolumeClaim, claimOf('data'))
  await afterAWhile(world)
  await world.client.delete(PersistentVolumeClaim, inDefault('data'))
  await afterAWhile(world)
  await world.client.create(PersistentVolumeClaim, claimOf('other'))
  await afterAWhile(world)
  expect((await volumeNamed(world, 'pv'))?.status.phase).toBe('Released')
  expect((await claimNamed(world, 'other'))?.status.phase).toBe('Pending')
})

test('a claim of the default class gets a directory on the machine of its Pod, which goes with the claim', async () => {
  const { world, disks } = await startWorld()
  await using _ = world
  await world.client.create(StorageClass, standardStorageClass)
  await world.client.create(PersistentVolumeClaim, claimOf('data'))
  await afterAWhile(world)
  expect((await claimNamed(world, 'data'))?.spec.storageClassName).toBe('standard')
  expect(world.eventsAbout('data').at(-1)).toBe(
    'WaitForFirstConsumer waiting for first consumer to be created before binding',
  )

  await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
  await afterAWhile(world)
  const node = await world.nodeOf('web-0')
  const path = '/var/lib/volumes/pvc-uid-of-data'
  expect([...disks[node!]!.directories]).toEqual([path])
  const volume = await volumeNamed(world, 'pvc-uid-of-data')
  expect(volume?.spec).toMatchObject({ local: { path }, storageClassName: 'standard' })
  expect(volume?.metadata.annotations).toMatchObject({
    'pv.kubernetes.io/provisioned-by': 'holdfast.dev/local-directory',
  })
  expect(world.eventsAbout('data')).toContain('ProvisioningSucceeded Successfully provisioned volume pvc-uid-of-data')

  await world.client.delete(PersistentVolumeClaim, inDefault('data'))
  await afterAWhile(world)
  expect(await claimNamed(world, 'data')).toBeDefined() // In use.
  await world.client.delete(Pod, inDefault('web-0'))
  await afterAWhile(world)
  expect(await claimNamed(world, 'data')).toBeUndefined()
  expect(await volumeNamed(world, 'pvc-uid-of-data')).toBeUndefined()
  expect(disks[node!]!.directories.size).toBe(0)
})

test('N6: a Pod comes back to the machine that holds its volume, or waits and says why', async () => {
  const { world } = await startWorld()
  await using _ = world
  await world.client.create(StorageClass, standardStorageClass)
  await world.client.create(PersistentVolumeClaim, claimOf('data'))
  await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
  await afterAWhile(world)
  const first = await world.nodeOf('web-0')
  for (let i = 0; i < 5; i++) {
    await world.client.delete(Pod, inDefault('web-0'))
    await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
    await afterAWhile(world)
    expect(await world.nodeOf('web-0')).toBe(first)
  }
  const node = await world.client.get(Node, { name: first! })
  await world.client.update(Node, { ...node, spec: { unschedulable: true } })
  await world.client.delete(Pod, inDefault('web-0'))
  await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
  await afterAWhile(world)
  expect(world.eventsAbout('web-0').slice(-2)).toEqual([
    `VolumeNodeAffinityConflict volume "pvc-uid-of-data" of claim "data" can only be used on ${first}; apart from its ` +
      `volumes the Pod could run on ${first === 'node1' ? 'node2' : 'node1'}`,
    'FailedScheduling 0/2 nodes are available: 1 node(s) had volume node affinity conflict, 1 node(s) were unschedulable.',
  ])
})

test('local volumes made by hand are chosen on the machine where the Pod fits', async () => {
  const { world } = await startWorld()
  await using _ = world
  await world.client.create(StorageClass, classOf('local'))
  const spec = { storageClassName: 'local' }
  await world.client.create(PersistentVolume, volumeOf('here', { hosts: ['node1'], spec }))
  await world.client.create(PersistentVolume, volumeOf('there', { hosts: ['node2'], spec }))
  await world.client.create(PersistentVolumeClaim, claimOf('data', spec))
  const pod = podOf('web-0', { claims: ['data'], spec: { nodeSelector: { 'kubernetes.io/hostname': 'node2' } } })
  await world.client.create(Pod, pod)
  await afterAWhile(world)
  expect((await claimNamed(world, 'data'))?.spec.volumeName).toBe('there')
  expect(await world.nodeOf('web-0')).toBe('node2')
})

test('a Pod names what its claims wait for', async () => {
  const { world } = await startWorld()
  await using _ = world
  await world.client.create(StorageClass, classOf('local'))
  await world.client.create(PersistentVolumeClaim, claimOf('unbound'))
  await world.client.create(PersistentVolumeClaim, claimOf('nowhere', { storageClassName: 'local' }))
  for (const name of ['missing', 'unbound', 'nowhere']) {
    await world.client.create(Pod, podOf(`needs-${name}`, { claims: [name] }))
  }
  await afterAWhile(world)
  const reasonFor = (name: string): string | undefined => world.eventsAbout(`needs-${name}`).at(-1)
  const none = 'FailedScheduling 0/2 nodes are available:'
  expect(reasonFor('missing')).toBe(`${none} persistentvolumeclaim "missing" not found.`)
  expect(reasonFor('unbound')).toBe(`${none} pod has unbound immediate PersistentVolumeClaims.`)
  expect(reasonFor('nowhere')).toBe(`${none} 2 node(s) didn't find available persistent volumes to bind.`)
})

test('many Pods and claims at once: no volume is given twice', async () => {
  const { world } = await startWorld()
  await using _ = world
  await world.client.create(StorageClass, classOf('local'))
  const spec = { storageClassName: 'local' }
  for (let i = 0; i < 20; i++) {
    await world.client.create(PersistentVolume, volumeOf(`pv-${i}`, { hosts: [`node${(i % 2) + 1}`], spec }))
    await world.client.create(PersistentVolumeClaim, claimOf(`data-${i}`, spec))
  }
  for (let i = 0; i < 25; i++) await world.client.create(Pod, podOf(`web-${i}`, { claims: [`data-${i}`] }))
  await world.clock.advance(120_000)
  const { items: claims } = await world.client.list(PersistentVolumeClaim)
  expect(new Set(claims.map(claim => claim.spec.volumeName)).size).toBe(20)
  expect(world.api.bindings).toHaveLength(20)
})

test('a claim deleted between the choice and the binding keeps its Pod from a machine', async () => {
  const { world } = await startWorld()
  await using _ = world
  await world.client.create(StorageClass, classOf('local'))
  const spec = { storageClassName: 'local' }
  await world.client.create(PersistentVolume, volumeOf('pv', { spec }))
  await world.client.create(PersistentVolumeClaim, claimOf('data', spec))
  await afterAWhile(world)
  world.api.intercept = async call => {
    if (call.resource !== 'persistentvolumes' || call.verb !== 'update') return
    world.api.intercept = () => {}
    await world.client.delete(PersistentVolumeClaim, inDefault('data'))
  }
  await world.client.create(Pod, podOf('web-0', { claims: ['data'] }))
  await afterAWhile(world)
  expect(await world.nodeOf('web-0')).toBeUndefined()
  expect(world.eventsAbout('web-0').at(-1)).toContain('persistentvolumeclaim "data" not found')
})

test('a claim with ReadWriteOncePod has one Pod at a time', async () => {
  const { world } = await startWorld()
  await using _ = world
  const spec = { accessModes: ['ReadWriteOncePod'] } as const
  await world.client.create(PersistentVolume, volumeOf('pv', { spec }))
  await world.client.create(PersistentVolumeClaim, claimOf('data', spec))
  await afterAWhile(world)
  await world.client.create(Pod, podOf('first', { claims: ['data'] }))
  await world.client.create(Pod, podOf('second', { claims: ['data'] }))
  await afterAWhile(world)
  expect(world.eventsAbout('second')).toEqual([
    'FailedScheduling 0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ' +
      'ReadWriteOncePod access mode.',
  ])
  await world.client.delete(Pod, inDefault('first'))
  await afterAWhile(world)
  expect(await world.nodeOf('second')).toBeDefined()
})

test('a volume reserved for a claim that took another one is free again', async () => {
  const { world } = await startWorld()
  await using _ = world
  await world.client.create(StorageClass, classOf('local'))
  const claimRef = { namespace: 'default', name: 'data', uid: 'uid-of-data' }
  const spec = { storageClassName: 'local', claimRef }
  for (const name of ['one', 'two']) {
    const volume = volumeOf(name, { spec })
    const annotations = { 'pv.kubernetes.io/bound-by-controller': 'yes' }
    await world.client.create(PersistentVolume, { ...volume, metadata: { ...volume.metadata, annotations } })
  }
  await world.client.create(PersistentVolumeClaim, claimOf('data', { storageClassName: 'local' }))
  await afterAWhile(world)
  const taken = (await claimNamed(world, 'data'))?.spec.volumeName
  const other = await volumeNamed(world, taken === 'one' ? 'two' : 'one')
  expect(other?.spec.claimRef).toBeUndefined()
  expect(other?.status.phase).toBe('Available')
})
