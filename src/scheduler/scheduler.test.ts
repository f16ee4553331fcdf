import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { Node, Pod } from '../api/core-v1/types.ts'
import { podConditionOf } from '../machinery/pod-state.ts'
import { serviceUnavailable } from '../machinery/status.ts'
import { nodeOf, podOf, TestWorld } from './fixtures.ts'
import { createScheduler } from './scheduler.ts'
import { SchedulerMetrics } from './scheduler-metrics.ts'

async function startWorld(...nodes: readonly Node[]): Promise<TestWorld> {
  const world = new TestWorld()
  for (const node of nodes) await world.client.create(Node, node)
  await world.start(createScheduler(world.dependencies()))
  return world
}

test('a Pod gets a machine, and an event says which', async () => {
  await using world = await startWorld(nodeOf('node1'))
  await world.client.create(Pod, podOf('web-0'))
  await world.rest()
  expect(await world.nodeOf('web-0')).toBe('node1')
  expect(world.eventsAbout('web-0')).toEqual(['Scheduled Successfully assigned default/web-0 to node1'])
})

test('a Pod of another scheduler is left alone', async () => {
  await using world = await startWorld(nodeOf('node1'))
  await world.client.create(Pod, podOf('web-0', { spec: { schedulerName: 'other' } }))
  await world.rest()
  expect(await world.nodeOf('web-0')).toBeUndefined()
})

test('a Pod that fits nowhere says why, for all machines, in the condition and in an event', async () => {
  const taints = [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' as const }]
  await using world = await startWorld(
    nodeOf('master', { spec: { taints } }),
    nodeOf('node1', { cpu: '1' }),
    nodeOf('node2', { cpu: '1' }),
  )
  await world.client.create(Pod, podOf('web-0', { cpu: '2' }))
  await world.rest()
  const message =
    '0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, ' +
    '2 Insufficient cpu.'
  const pod = await world.client.get(Pod, { namespace: 'default', name: 'web-0' })
  expect(podConditionOf(pod, 'PodScheduled')).toMatchObject({ status: 'False', reason: 'Unschedulable', message })
  expect(world.eventsAbout('web-0')).toEqual([`FailedScheduling ${message}`])
})

test('without machines a Pod waits for the first one', async () => {
  await using world = await startWorld()
  await world.client.create(Pod, podOf('web-0'))
  await world.rest()
  expect(world.eventsAbout('web-0')).toEqual(['FailedScheduling no nodes available to schedule pods'])
  await world.client.create(Node, nodeOf('node1'))
  await world.clock.advance(1000)
  expect(await world.nodeOf('web-0')).toBe('node1')
})

test('a Pod that fits nowhere is tried again when room is made, and not before', async () => {
  await using world = await startWorld(nodeOf('node1', { cpu: '1' }))
  await world.client.create(Pod, podOf('first', { cpu: '1' }))
  await world.rest()
  await world.client.create(Pod, podOf('second', { cpu: '1' }))
  await world.clock.advance(3_600_000)
  expect(world.eventsAbout('second')).toHaveLength(1)
  await world.client.delete(Pod, { namespace: 'default', name: 'first' })
  await world.rest()
  expect(await world.nodeOf('second')).toBe('node1')
})

test('a heartbeat of a machine wakes nobody', async () => {
  await using world = await startWorld(nodeOf('node1', { cpu: '1' }))
  await world.client.create(Pod, podOf('web-0', { cpu: '2' }))
  await world.rest()
  const node = await world.client.get(Node, { name: 'node1' })
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:01:00Z' }]
  await world.client.updateStatus(Node, { ...node, status: { ...node.status, conditions } })
  await world.clock.advance(60_000)
  expect(world.eventsAbout('web-0')).toHaveLength(1)
})

test('ten thousand Pods that fit nowhere cost nothing until something changes that could help one', {
  timeout: 60_000,
}, async () => {
  // Given
  const world = new TestWorld()
  await using _ = world
  const registry = new Registry()
  const metrics = new SchedulerMetrics(registry, () => world.clock.monotonicMs())
  const attempts = async (): Promise<number> => {
    const { values } = await registry.getSingleMetric('scheduler_schedule_attempts_total')!.get()
    return values.reduce((sum, { value }) => sum + value, 0)
  }
  for (const name of ['node1', 'node2']) await world.client.create(Node, nodeOf(name, { cpu: '2' }))
  await world.client.create(Pod, podOf('neighbour', { cpu: '1', spec: { nodeName: 'node1' } }))
  await world.start(createScheduler(world.dependencies(), { metrics }))
  const count = 10_000
  for (let i = 0; i < count; i++) await world.client.create(Pod, podOf(`pod-${i}`, { cpu: '4' }))
  await world.clock.advance(60_000)
  expect(await attempts()).toBe(count)
  // When a day passes, with heartbeats and changes that help nobody
  const requests: string[] = []
  for (let hour = 0; hour < 24; hour++) {
    const node = await world.client.get(Node, { name: 'node1' })
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: `2026-01-01T${10 + hour}:00:00Z` }]
    await world.client.updateStatus(Node, { ...node, status: { ...node.status, conditions } })
    const pod = await world.client.get(Pod, { namespace: 'default', name: 'neighbour' })
    await world.client.updateStatus(Pod, { ...pod, status: { phase: 'Running', message: `hour ${hour}` } })
    world.api.intercept = ({ verb, resource }) => {
      requests.push(`${verb} ${resource}`)
    }
    await world.clock.advance(3_600_000)
    world.api.intercept = () => {}
  }
  // Then
  expect(requests).toEqual([])
  expect(await attempts()).toBe(count)
  expect(world.events).toHaveLength(count)
  await world.client.create(Node, nodeOf('node3', { cpu: '4' }))
  await world.clock.advance(60_000)
  expect(world.api.bindings).toHaveLength(1)
})

test('Pods of higher priority come first, then those that wait longer', async () => {
  const world = new TestWorld()
  await using _ = world
  await world.client.create(Pod, podOf('old'))
  await world.client.create(Pod, podOf('young'))
  await world.client.create(Pod, podOf('urgent', { spec: { priority: 1000 } }))
  await world.client.create(Node, nodeOf('node1'))
  await world.start(createScheduler(world.dependencies()))
  expect(world.api.bindings.map(({ pod }) => pod)).toEqual(['default/urgent', 'default/old', 'default/young'])
})

test('a Pod with a scheduling gate waits until the gate is taken away', async () => {
  await using world = await startWorld(nodeOf('node1'))
  await world.client.create(Pod, podOf('web-0', { spec: { schedulingGates: [{ name: 'quota' }] } }))
  await world.clock.advance(60_000)
  expect(await world.nodeOf('web-0')).toBeUndefined()
  const pod = await world.client.get(Pod, { namespace: 'default', name: 'web-0' })
  const { schedulingGates: _, ...spec } = pod.spec
  await world.client.update(Pod, { ...pod, spec })
  await world.rest()
  expect(await world.nodeOf('web-0')).toBe('node1')
})

test('many Pods in flight never get more of a machine than it has', async () => {
  await using world = await startWorld(nodeOf('node1', { cpu: '2' }), nodeOf('node2', { cpu: '2' }))
  for (let i = 0; i < 10; i++) await world.client.create(Pod, podOf(`web-${i}`, { cpu: '500m' }))
  await world.rest()
  const perNode = Object.groupBy(world.api.bindings, ({ node }) => node)
  expect(perNode.node1).toHaveLength(4)
  expect(perNode.node2).toHaveLength(4)
})

test('a binding that fails gives the room back, and the Pod is tried again after a pause', async () => {
  await using world = await startWorld(nodeOf('node1', { cpu: '1' }))
  let failures = 1
  world.api.intercept = call => {
    if (call.subresource === 'binding' && failures-- > 0) throw serviceUnavailable('no')
  }
  await world.client.create(Pod, podOf('web-0', { cpu: '1' }))
  await world.rest()
  expect(await world.nodeOf('web-0')).toBeUndefined()
  await world.clock.advance(1000)
  expect(await world.nodeOf('web-0')).toBe('node1')
})

test('a binding whose answer is lost counts as done when the Pod has its machine', async () => {
  await using world = await startWorld(nodeOf('node1'))
  world.api.interceptAnswer = call => {
    if (call.subresource === 'binding') throw new Error('connection reset')
  }
  await world.client.create(Pod, podOf('web-0'))
  await world.clock.advance(20_000)
  expect(world.api.bindings).toHaveLength(1)
  expect(world.eventsAbout('web-0')).toEqual(['Scheduled Successfully assigned default/web-0 to node1'])
})

test('two schedulers never bind a Pod twice', async () => {
  const world = new TestWorld()
  await using _ = world
  for (const name of ['node1', 'node2', 'node3']) await world.client.create(Node, nodeOf(name))
  await world.start(createScheduler(world.dependencies()), createScheduler(world.dependencies()))
  for (let i = 0; i < 30; i++) await world.client.create(Pod, podOf(`web-${i}`, { cpu: '100m' }))
  await world.clock.advance(60_000)
  expect(new Set(world.api.bindings.map(({ pod }) => pod)).size).toBe(30)
  expect(world.api.bindings).toHaveLength(30)
})

test('a machine that goes while a Pod is being bound leaves the Pod free for another one', async () => {
  await using world = await startWorld(nodeOf('node1'))
  world.api.intercept = async call => {
    if (call.subresource !== 'binding') return
    world.api.intercept = () => {}
    await world.client.delete(Node, { name: 'node1' })
    throw serviceUnavailable('node is gone')
  }
  await world.client.create(Pod, podOf('web-0'))
  await world.rest()
  await world.client.create(Node, nodeOf('node2'))
  await world.clock.advance(10_000)
  expect(await world.nodeOf('web-0')).toBe('node2')
})

test('a Pod that wants to be near another is tried again when that one gets its machine', async () => {
  await using world = await startWorld(nodeOf('node1', { labels: { zone: 'a' } }))
  const labelSelector = { matchLabels: { app: 'db' } }
  const affinity = {
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector }] },
  }
  await world.client.create(Pod, podOf('web-0', { spec: { affinity } }))
  await world.rest()
  expect(world.eventsAbout('web-0')).toEqual([
    "FailedScheduling 0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
  ])
  await world.client.create(Pod, podOf('db-0', { labels: { app: 'db' } }))
  await world.clock.advance(1000)
  expect(await world.nodeOf('web-0')).toBe('node1')
})

test('a refusal that is written late does not deny a binding, and one of a changed Pod is still told', async () => {
  await using world = await startWorld(nodeOf('node1', { cpu: '1' }))
  const interfere = (change: () => Promise<unknown>): void => {
    world.api.intercept = async ({ verb, resource }) => {
      if (verb !== 'patch' || resource !== 'pods') return
      world.api.intercept = () => {}
      await change()
    }
  }
  const scheduledOf = async (name: string) =>
    podConditionOf(await world.client.get(Pod, { namespace: 'default', name }), 'PodScheduled')
  const key = (name: string) => ({ namespace: 'default', name })
  interfere(() =>
    world.client.createSubresource(Pod, key('bound'), {
      subresource: 'binding',
      body: { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'node1' } },
    }),
  )
  await world.client.create(Pod, podOf('bound', { cpu: '2' }))
  await world.rest()
  expect(await scheduledOf('bound')).toBeUndefined()
  interfere(async () => {
    const pod = await world.client.get(Pod, key('changed'))
    await world.client.update(Pod, { ...pod, metadata: { ...pod.metadata, annotations: { touched: 'yes' } } })
  })
  await world.client.create(Pod, podOf('changed', { cpu: '2' }))
  await world.rest()
  expect(await scheduledOf('changed')).toMatchObject({ reason: 'Unschedulable' })
})
