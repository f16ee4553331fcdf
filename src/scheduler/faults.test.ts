import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../api/core-v1/types.ts'
import type { Unsaved } from '../api/kind.ts'
import { StorageClass } from '../api/storage-v1/types.ts'
import { controllerComponent } from '../client/run-controller.ts'
import { persistentVolumeController } from '../controllers/persistent-volume/persistent-volume-controller.ts'
import { claimProtectionController } from '../controllers/persistent-volume/protection.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { serviceUnavailable } from '../machinery/status.ts'
import { isReachableFrom } from '../machinery/volume-binding.ts'
import { claimOf, classOf, nodeOf, podOf, TestWorld, volumeOf } from './fixtures.ts'
import { createScheduler } from './scheduler.ts'

const LOCAL = { storageClassName: 'local' }
const inDefault = (name: string) => ({ namespace: 'default', name })

/** Requests fail before they are done, or their answers are lost; a third kind of bad luck is a cache that lags. */
function letFail(world: TestWorld, { seed, share }: { readonly seed: number; readonly share: number }): void {
  const random = seededRandom(seed)
  const isWrite = (verb: string): boolean => verb !== 'list' && verb !== 'watch'
  world.api.intercept = ({ verb }) => {
    if (isWrite(verb) && random.float() < share) throw serviceUnavailable('try later')
  }
  world.api.interceptAnswer = ({ verb }) => {
    if (isWrite(verb) && random.float() < share) throw new Error('connection reset')
  }
}

function calm(world: TestWorld): void {
  world.api.intercept = () => {}
  world.api.interceptAnswer = () => {}
  world.api.releaseWatches()
}

async function expectNoHarm(world: TestWorld): Promise<void> {
  const { items: pods } = await world.client.list(Pod)
  const { items: nodes } = await world.client.list(Node)
  const { items: volumes } = await world.client.list(PersistentVolume)
  const { items: claims } = await world.client.list(PersistentVolumeClaim)
  for (const node of nodes) {
    const there = pods.filter(({ spec }) => spec.nodeName === node.metadata.name)
    expect(there.length, `${node.metadata.name} is over-committed`).toBeLessThanOrEqual(2)
  }
  const names = claims.flatMap(({ spec }) => spec.volumeName ?? [])
  expect(new Set(names).size, 'a volume is bound twice').toBe(names.length)
  expect(new Set(world.api.bindings.map(({ uid }) => uid)).size, 'a Pod is bound twice').toBe(world.api.bindings.length)
  for (const claim of claims.filter(({ spec }) => spec.volumeName)) {
    const volume = volumes.find(({ metadata }) => metadata.name === claim.spec.volumeName)!
    expect(volume.spec.claimRef?.uid).toBe(claim.metadata.uid)
    const pod = pods.find(({ metadata }) => `data-${metadata.name}` === claim.metadata.name)
    const node = nodes.find(({ metadata }) => metadata.name === pod?.spec.nodeName)
    if (node) expect(isReachableFrom(volume, node), 'a Pod is away from its volume').toBe(true)
  }
}

const story = fc.array(
  fc.record({
    act: fc.constantFrom('addPod', 'addPod', 'addPod', 'removePod', 'removeClaim', 'hold', 'release', 'removeNode'),
    which: fc.nat(9),
    pauseMs: fc.constantFrom(0, 100, 3000),
  }),
  { minLength: 10, maxLength: 40 },
)

/** Without its uid: the server gives every object another one. */
function fresh<T extends Pod | PersistentVolumeClaim>(object: T): Unsaved<T> {
  const { uid: _, ...metadata } = object.metadata
  return { ...object, metadata } as unknown as Unsaved<T> // Its type asks for what only stored objects have.
}

async function play(world: TestWorld, { act, which }: { readonly act: string; readonly which: number }): Promise<void> {
  const { client, api } = world
  const pod = inDefault(`pod-${which}`)
  const claim = inDefault(`data-pod-${which}`)
  switch (act) {
    case 'addPod':
      if (!(await client.find(PersistentVolumeClaim, claim))) {
        await client.create(PersistentVolumeClaim, fresh(claimOf(claim.name, LOCAL)))
      }
      if (!(await client.find(Pod, pod)))
        await client.create(Pod, fresh(podOf(pod.name, { cpu: '1', claims: [claim.name] })))
      return
    case 'removePod':
      if (await client.find(Pod, pod)) await client.delete(Pod, pod)
      return
    case 'removeClaim':
      if (await client.find(PersistentVolumeClaim, claim)) await client.delete(PersistentVolumeClaim, claim)
      return
    case 'hold':
      return api.holdWatches()
    case 'release':
      return api.releaseWatches()
    case 'removeNode':
      if (which === 0 && (await client.find(Node, { name: 'node4' }))) await client.delete(Node, { name: 'node4' })
  }
}

test('whatever fails: no machine over-committed, no volume given twice, no Pod bound twice or away from its data', async () => {
  await fc.assert(
    fc.asyncProperty(story, fc.nat(), fc.constantFrom(0, 0.1, 0.3), async (steps, seed, share) => {
      const world = new TestWorld(seed)
      await using _ = world
      await world.client.create(StorageClass, classOf('local'))
      for (const name of ['node1', 'node2', 'node3', 'node4'])
        await world.client.create(Node, nodeOf(name, { cpu: '2' }))
      for (let i = 0; i < 8; i++) {
        const hosts = [`node${(i % 4) + 1}`]
        await world.client.create(PersistentVolume, volumeOf(`pv-${i}`, { hosts, spec: LOCAL }))
      }
      const controllers = [persistentVolumeController, claimProtectionController]
      await world.start(
        createScheduler(world.dependencies()),
        ...controllers.map(definition => controllerComponent(definition, world.dependencies())),
      )
      for (const step of steps) {
        calmWrites(world)
        await play(world, step)
        letFail(world, { seed: seed + steps.indexOf(step), share })
        await world.clock.advance(step.pauseMs)
      }
      calm(world)
      await world.clock.advance(120_000)
      await expectNoHarm(world)
      const before = [...world.api.bindings]
      await world.start(createScheduler(world.dependencies())) // Nor was a Pod forgotten that this one could place.
      await world.clock.advance(60_000)
      expect(world.api.bindings).toEqual(before)
    }),
    { numRuns: 150 },
  )
})

/** The story itself is told without faults; the watches stay as they are. */
function calmWrites(world: TestWorld): void {
  world.api.intercept = () => {}
  world.api.interceptAnswer = () => {}
}

test('two schedulers with stale caches never bind a Pod or a volume twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async seed => {
      const world = new TestWorld(seed)
      await using _ = world
      await world.client.create(StorageClass, classOf('local'))
      for (const name of ['node1', 'node2']) await world.client.create(Node, nodeOf(name, { cpu: '64' }))
      await world.start(
        createScheduler(world.dependencies()),
        createScheduler(world.dependencies()),
        controllerComponent(persistentVolumeController, world.dependencies()),
      )
      for (let i = 0; i < 6; i++) {
        const hosts = [`node${(i % 2) + 1}`]
        await world.client.create(PersistentVolume, volumeOf(`pv-${i}`, { hosts, spec: LOCAL }))
      }
      for (let i = 0; i < 6; i++) await world.client.create(PersistentVolumeClaim, claimOf(`data-pod-${i}`, LOCAL))
      await world.rest()
      for (let i = 0; i < 6; i++) await world.client.create(Pod, podOf(`pod-${i}`, { claims: [`data-pod-${i}`] }))
      await world.clock.advance(300_000)
      const { items: claims } = await world.client.list(PersistentVolumeClaim)
      expect(new Set(claims.map(({ spec }) => spec.volumeName)).size).toBe(6)
      expect(world.api.bindings.map(({ pod }) => pod).sort()).toEqual(claims.map((_c, i) => `default/pod-${i}`))
    }),
    { numRuns: 20 },
  )
})

test('a machine that another scheduler has filled while the volume was being bound is not over-committed', async () => {
  await using world = new TestWorld()
  await world.client.create(StorageClass, classOf('local'))
  await world.client.create(Node, nodeOf('node1', { cpu: '2' }))
  await world.client.create(PersistentVolume, volumeOf('pv', { hosts: ['node1'], spec: LOCAL }))
  await world.client.create(PersistentVolumeClaim, claimOf('data', LOCAL))
  await world.start(createScheduler(world.dependencies()))
  await world.client.create(Pod, podOf('ours', { cpu: '2', claims: ['data'] }))
  await world.rest()
  // When
  const theirs = podOf('theirs', { cpu: '1' })
  await world.client.create(Pod, { ...theirs, spec: { ...theirs.spec, nodeName: 'node1' } })
  await world.start(controllerComponent(persistentVolumeController, world.dependencies()))
  await world.clock.advance(60_000)
  // Then
  expect((await world.client.get(PersistentVolumeClaim, inDefault('data'))).spec.volumeName).toBe('pv')
  expect(world.api.bindings).toEqual([])
  await world.client.delete(Pod, inDefault('theirs'))
  await world.clock.advance(60_000)
  expect(world.api.bindings.map(({ pod }) => pod)).toEqual(['default/ours'])
})
