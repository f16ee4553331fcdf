import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import { StorageClass } from '../../api/storage-v1/types.ts'
import { controllerComponent } from '../../client/run-controller.ts'
import { claimOf, nodeOf, TestWorld, volumeOf } from '../../scheduler/fixtures.ts'
import { localVolumeName, localVolumePath } from './local-volume.ts'
import { localVolumeProvisioner, type VolumeDisk } from './local-volume-provisioner.ts'
import { standardStorageClass } from './standard-storage-class.ts'

class RecordingDisk implements VolumeDisk {
  readonly directories = new Set<string>()
  readonly removed: string[] = []
  problem: Error | undefined
  async makeDirectory(path: string): Promise<void> {
    if (this.problem) throw this.problem
    this.directories.add(path)
  }
  async setMode(): Promise<void> {}
  async remove(path: string): Promise<void> {
    if (this.problem) throw this.problem
    this.directories.delete(path)
    this.removed.push(path)
  }
}

const ROOT = '/var/lib/volumes'
const NAME = 'pvc-uid-of-data'
const selected = (node: string) => ({ 'volume.kubernetes.io/selected-node': node })

async function startWorld(): Promise<{ world: TestWorld; disk: RecordingDisk }> {
  const world = new TestWorld()
  const disk = new RecordingDisk()
  await world.client.create(Node, nodeOf('node1', { labels: { 'kubernetes.io/hostname': 'host-one' } }))
  await world.client.create(StorageClass, standardStorageClass)
  const definition = localVolumeProvisioner({ nodeName: 'node1', root: ROOT, disk })
  await world.start(controllerComponent(definition, world.dependencies()))
  return { world, disk }
}

const release = async (world: TestWorld, more: Partial<PersistentVolume['spec']> = {}): Promise<void> => {
  const volume = await world.client.get(PersistentVolume, { name: NAME })
  const changed = await world.client.update(PersistentVolume, { ...volume, spec: { ...volume.spec, ...more } })
  await world.client.updateStatus(PersistentVolume, { ...changed, status: { phase: 'Released' } })
  await world.clock.advance(1000)
}

test('the volume belongs to the machine by its hostname label, and to the claim by its uid', async () => {
  const { world, disk } = await startWorld()
  await using _ = world
  await world.client.create(PersistentVolumeClaim, claimOf('data', { storageClassName: 'standard' }, selected('node1')))
  await world.rest()
  const { spec } = await world.client.get(PersistentVolume, { name: NAME })
  expect(spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]).toEqual({
    key: 'kubernetes.io/hostname',
    operator: 'In',
    values: ['host-one'],
  })
  expect(spec).toMatchObject({ capacity: { storage: '1Gi' }, claimRef: { uid: 'uid-of-data' } })
  expect(disk.directories).toEqual(new Set([`${ROOT}/${NAME}`]))
})

test('claims of other machines, other classes, or without a machine yet are left alone', async () => {
  const { world, disk } = await startWorld()
  await using _ = world
  await world.client.create(PersistentVolumeClaim, claimOf('far', { storageClassName: 'standard' }, selected('node2')))
  await world.client.create(PersistentVolumeClaim, claimOf('other', { storageClassName: 'csi' }, selected('node1')))
  await world.client.create(PersistentVolumeClaim, claimOf('early', { storageClassName: 'standard' }))
  await world.clock.advance(60_000)
  expect(disk.directories.size).toBe(0)
})

test('what a directory cannot be is refused in words', async () => {
  const { world } = await startWorld()
  await using _ = world
  const spec = { storageClassName: 'standard', volumeMode: 'Block' } as const
  await world.client.create(PersistentVolumeClaim, claimOf('data', spec, selected('node1')))
  await world.clock.advance(60_000)
  expect(world.eventsAbout('data')).toEqual([
    'Provisioning External provisioner is provisioning volume for claim "default/data"',
    'ProvisioningFailed failed to provision volume with StorageClass "standard": local directories cannot serve as block devices',
  ])
})

test('a full disk is told, and the volume is made when there is room again', async () => {
  const { world, disk } = await startWorld()
  await using _ = world
  disk.problem = new Error('ENOSPC: no space left on device')
  await world.client.create(PersistentVolumeClaim, claimOf('data', { storageClassName: 'standard' }, selected('node1')))
  await world.rest()
  expect(world.eventsAbout('data').at(-1)).toContain('ENOSPC: no space left on device')
  expect(await world.client.find(PersistentVolume, { name: NAME })).toBeUndefined()
  disk.problem = undefined
  await world.clock.advance(60_000)
  expect(await world.client.find(PersistentVolume, { name: NAME })).toBeDefined()
})

test('a released volume goes with its directory, and not before the directory has gone', async () => {
  const { world, disk } = await startWorld()
  await using _ = world
  await world.client.create(PersistentVolumeClaim, claimOf('data', { storageClassName: 'standard' }, selected('node1')))
  await world.rest()
  disk.problem = new Error('EBUSY: a mount lies below')
  await release(world)
  expect(await world.client.find(PersistentVolume, { name: NAME })).toBeDefined()
  expect(world.eventsAbout(NAME).at(-1)).toBe('VolumeFailedDelete EBUSY: a mount lies below')
  disk.problem = undefined
  await world.clock.advance(60_000)
  expect(await world.client.find(PersistentVolume, { name: NAME })).toBeUndefined()
  expect(disk.removed).toEqual([`${ROOT}/${NAME}`])
})

test('with Retain the data stays, also when the volume is deleted by hand', async () => {
  const { world, disk } = await startWorld()
  await using _ = world
  await world.client.create(PersistentVolumeClaim, claimOf('data', { storageClassName: 'standard' }, selected('node1')))
  await world.rest()
  await release(world, { persistentVolumeReclaimPolicy: 'Retain' })
  expect(await world.client.find(PersistentVolume, { name: NAME })).toBeDefined()
  await world.client.delete(PersistentVolume, { name: NAME })
  await world.clock.advance(1000)
  expect(await world.client.find(PersistentVolume, { name: NAME })).toBeUndefined()
  expect(disk.removed).toEqual([])
})

test('a volume that points elsewhere removes nothing', async () => {
  const { world, disk } = await startWorld()
  await using _ = world
  await world.client.create(PersistentVolumeClaim, claimOf('data', { storageClassName: 'standard' }, selected('node1')))
  await world.rest()
  await release(world, { local: { path: '/etc' } })
  expect(disk.removed).toEqual([])
  expect(world.eventsAbout(NAME).at(-1)).toBe(
    'VolumeFailedDelete "/etc" is not the directory of this volume below "/var/lib/volumes"',
  )
})

test('no name leads out of the directory of all volumes', () => {
  const nasty = fc.oneof(
    fc.string(),
    fc.constantFrom('..', 'pvc-..', 'pvc-../x', 'pvc-a/../..', 'pvc-', 'pvc-a/b', 'pvc-a\0', 'pvc-a.b', 'pvc-ä'),
  )
  fc.assert(
    fc.property(nasty, name => {
      const path = localVolumePath(ROOT, name)
      if (path !== undefined) expect(path).toMatch(/^\/var\/lib\/volumes\/pvc-[0-9A-Za-z-]+$/)
    }),
  )
  fc.assert(
    fc.property(nasty, uid => {
      const claim = { ...claimOf('data'), metadata: { ...claimOf('data').metadata, uid } }
      try {
        expect(localVolumePath(ROOT, localVolumeName(claim))).toBeDefined()
      } catch (error) {
        expect(String(error)).toContain('is not a uid')
      }
    }),
  )
})

test.each([
  ['/tmp/data/pv1', true],
  ['/tmp', false],
  ['/tmp/../etc', false],
  ['/data/pv1', false],
])('a volume made by hand at %s goes with its directory: %s', async (path, goes) => {
  const { world, disk } = await startWorld()
  await using _ = world
  const spec = { hostPath: { path }, persistentVolumeReclaimPolicy: 'Delete' } as const
  await world.client.create(PersistentVolume, volumeOf('pv', { phase: 'Released', spec }))
  await world.clock.advance(1000)
  expect(disk.removed).toEqual(goes ? [path] : [])
  expect((await world.client.find(PersistentVolume, { name: 'pv' })) === undefined).toBe(goes)
})

test('a hand-made volume that may be on several machines is left to its administrator', async () => {
  const { world, disk } = await startWorld()
  await using _ = world
  await world.client.create(Node, nodeOf('node2'))
  const spec = { hostPath: { path: '/tmp/pv' }, persistentVolumeReclaimPolicy: 'Delete' } as const
  await world.client.create(PersistentVolume, volumeOf('pv', { phase: 'Released', spec }))
  await world.clock.advance(1000)
  expect(disk.removed).toEqual([])
})
