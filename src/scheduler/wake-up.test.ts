import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../api/core-v1/types.ts'
import { StorageClass } from '../api/storage-v1/types.ts'
import { controllerComponent } from '../client/run-controller.ts'
import { persistentVolumeController } from '../controllers/persistent-volume/persistent-volume-controller.ts'
import { claimOf, classOf, nodeOf, podOf, TestWorld, volumeOf } from './fixtures.ts'
import { createScheduler } from './scheduler.ts'

const nodeNames = ['node1', 'node2', 'node3']
const node = fc.constantFrom(...nodeNames)
const pod = fc.constantFrom(...Array.from({ length: 8 }, (_, index) => `pod-${index}`))
const app = fc.constantFrom('web', 'db')
const zone = fc.constantFrom('a', 'b')
const key = fc.constantFrom('zone', 'kubernetes.io/hostname')
const rule = fc.constantFrom('none', 'near', 'apart', 'spread', 'zone', 'port', 'claim')
const is = <T extends string>(act: T): fc.Arbitrary<T> => fc.constant(act)

const changes = {
  moveNode: fc.record({ act: is('moveNode'), node, zone }),
  cordon: fc.record({ act: is('cordon'), node, unschedulable: fc.boolean() }),
  taint: fc.record({ act: is('taint'), node, isTainted: fc.boolean() }),
  resize: fc.record({ act: is('resize'), node, cpu: fc.constantFrom('1', '2', '4') }),
  removeNode: fc.record({ act: is('removeNode'), node }),
  removePod: fc.record({ act: is('removePod'), pod }),
  endPod: fc.record({ act: is('endPod'), pod }),
  relabelPod: fc.record({ act: is('relabelPod'), pod, app }),
  addVolume: fc.record({ act: is('addVolume'), volume: fc.constantFrom('pv-0', 'pv-1', 'pv-2'), node }),
}
const newPod = fc.record({
  act: is('addPod'),
  pod,
  app,
  other: app,
  key,
  rule,
  cpu: fc.constantFrom('300m', '900m', '3'),
})
const step = fc.oneof(fc.oneof(...Object.values(changes)), newPod)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const inDefault = (name: string) => ({ namespace: 'default', name })

/** Does what can be done of the step: what is not there is not changed, what is there is not made. */
async function perform({ client }: TestWorld, step: Step): Promise<void> {
  if ('node' in step && step.act !== 'addVolume') return performOnNode(client, step)
  switch (step.act) {
    case 'addPod':
      return addPod(client, step)
    case 'addVolume':
      if (await client.find(PersistentVolume, { name: step.volume })) return
      await client.create(
        PersistentVolume,
        volumeOf(step.volume, { hosts: [step.node], spec: { storageClassName: 'local' }, phase: undefined }),
      )
      return
  }
  const found = await client.find(Pod, inDefault(step.pod))
  if (!found) return
  if (step.act === 'removePod') await client.delete(Pod, inDefault(step.pod))
  else if (step.act === 'relabelPod') {
    await client.update(Pod, { ...found, metadata: { ...found.metadata, labels: { app: step.app } } })
  } else if (found.spec.nodeName) await client.updateStatus(Pod, { ...found, status: { phase: 'Succeeded' } })
}

async function performOnNode(client: TestWorld['client'], step: Step & { readonly node: string }): Promise<void> {
  const name = step.node
  const found = await client.find(Node, { name })
  if (step.act === 'removeNode') {
    if (found) await client.delete(Node, { name })
    return
  }
  const current = found ?? (await client.create(Node, nodeOf(name, { cpu: '1' })))
  const { metadata, spec, status } = current
  switch (step.act) {
    case 'moveNode':
      await client.update(Node, {
        ...current,
        metadata: { ...metadata, labels: { ...metadata.labels, zone: step.zone } },
      })
      return
    case 'cordon':
      await client.update(Node, { ...current, spec: { ...spec, unschedulable: step.unschedulable } })
      return
    case 'taint':
      await client.update(Node, {
        ...current,
        spec: { ...spec, taints: step.isTainted ? [{ key: 'x', effect: 'NoSchedule' }] : [] },
      })
      return
    case 'resize':
      await client.updateStatus(Node, {
        ...current,
        status: { ...status, allocatable: { ...status.allocatable, cpu: step.cpu } },
      })
  }
}

async function addPod(client: TestWorld['client'], step: Step & { readonly act: 'addPod' }): Promise<void> {
  const { pod: name, app: own, other, key: topologyKey, cpu, rule: chosen } = step
  if (await client.find(Pod, inDefault(name))) return
  const labelSelector = { matchLabels: { app: other } }
  const term = { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector }] }
  const container = { name: 'main', resources: { requests: { cpu } } }
  const whenUnsatisfiable = 'DoNotSchedule' as const
  const rules: Record<typeof chosen, Partial<Pod['spec']>> = {
    none: {},
    near: { affinity: { podAffinity: term } },
    apart: { affinity: { podAntiAffinity: term } },
    spread: { topologySpreadConstraints: [{ topologyKey, maxSkew: 1, whenUnsatisfiable, labelSelector }] },
    zone: { nodeSelector: { zone: 'a' } },
    port: { containers: [{ ...container, ports: [{ containerPort: 80, hostPort: 80 }] }] },
    claim: {},
  }
  const claim = `data-${name}`
  if (chosen === 'claim' && !(await client.find(PersistentVolumeClaim, inDefault(claim)))) {
    await client.create(PersistentVolumeClaim, claimOf(claim, { storageClassName: 'local' }))
  }
  const claims = chosen === 'claim' ? [claim] : []
  await client.create(Pod, podOf(name, { labels: { app: own }, cpu, claims, spec: rules[chosen] }))
}

test('no Pod is left lying that could be placed: whatever helps one, wakes it', async () => {
  const paused = fc.record({ step, pauseMs: fc.constantFrom(0, 0, 1500) })
  await fc.assert(
    fc.asyncProperty(fc.array(paused, { minLength: 20, maxLength: 60 }), async steps => {
      const world = new TestWorld()
      await using _ = world
      await world.client.create(Namespace, { metadata: { name: 'default' }, spec: {} })
      await world.client.create(StorageClass, classOf('local'))
      for (const [index, name] of nodeNames.entries()) {
        await world.client.create(Node, nodeOf(name, { cpu: '1', labels: { zone: index === 0 ? 'a' : 'b' } }))
      }
      await world.start(
        createScheduler(world.dependencies()),
        controllerComponent(persistentVolumeController, world.dependencies()),
      )
      for (const { step: next, pauseMs } of steps) {
        await perform(world, next)
        await world.clock.advance(pauseMs)
      }
      await world.clock.advance(60_000)
      const before = [...world.api.bindings]
      await world.start(createScheduler(world.dependencies())) // One that tries every Pod anew.
      await world.clock.advance(60_000)
      expect(world.api.bindings).toEqual(before)
    }),
    { numRuns: 300 },
  )
})
