import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { failureOf, namesOf, RegistryFixture } from '../registry-fixture.ts'

const open = (): RegistryFixture => new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })
const NEW_EVENTS = 'events.v1.events.k8s.io'
const AUTOSCALERS = 'horizontalpodautoscalers.v2.autoscaling'
const OLD_AUTOSCALERS = 'horizontalpodautoscalers.v1.autoscaling'

const event = {
  metadata: { name: 'e' },
  involvedObject: { kind: 'Pod', name: 'web-0', namespace: 'default' },
  reason: 'Started',
  message: 'Started container',
  source: { component: 'kubelet' },
  count: 2,
  firstTimestamp: '2026-01-01T00:00:00Z',
  lastTimestamp: '2026-01-01T00:00:00Z',
  type: 'Normal',
}

test('an Event is one object under two groups', async () => {
  await using server = open()
  const created = await server.create('events', event)
  const seen = await server.get(NEW_EVENTS, 'e')
  expect(seen).toMatchObject({
    apiVersion: 'events.k8s.io/v1',
    regarding: { name: 'web-0' },
    note: 'Started container',
    deprecatedCount: 2,
    deprecatedSource: { component: 'kubelet' },
  })
  expect(seen.metadata.uid).toBe(created.metadata.uid)
  expect(namesOf(await server.list(NEW_EVENTS, { fieldSelector: 'regarding.name=web-0' }))).toEqual(['e'])
  expect(namesOf(await server.list('events', { fieldSelector: 'involvedObject.name=web-1' }))).toEqual([])
  const patched = await server.patch(NEW_EVENTS, 'e', { type: 'merge', body: { note: 'Again', deprecatedCount: 3 } })
  expect(patched.note).toBe('Again')
  expect(await server.get('events', 'e')).toMatchObject({ apiVersion: 'v1', message: 'Again', count: 3 })
})

test('watchers of either group see the Event in their own words', async () => {
  await using server = open()
  const events = server.watch(NEW_EVENTS)
  const next = events.next()
  await server.create('events', event)
  expect((await next).value.encoded.object).toMatchObject({ kind: 'Event', note: 'Started container' })
})

test('an Event is gone an hour after its last write', async () => {
  const clock = new VirtualClock()
  await using server = new RegistryFixture({ clock, random: seededRandom(1) })
  await server.create('events', event)
  await clock.advance(59 * 60_000)
  expect((await server.get('events', 'e')).reason).toBe('Started')
  await clock.advance(2 * 60_000)
  expect((await failureOf(server.get('events', 'e'))).code).toBe(404)
})

test('an autoscaler written in the old version reads in the new one, and back', async () => {
  await using server = open()
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }
  await server.create(OLD_AUTOSCALERS, {
    metadata: { name: 'a' },
    spec: { scaleTargetRef, maxReplicas: 5, targetCPUUtilizationPercentage: 60 },
  })
  const { spec } = await server.get(AUTOSCALERS, 'a')
  expect(spec).toEqual({
    scaleTargetRef,
    minReplicas: 1,
    maxReplicas: 5,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
  })
  const old = await server.get(OLD_AUTOSCALERS, 'a')
  expect(old.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 60 })
  expect(server.table(OLD_AUTOSCALERS, [old]).rows[0]!.cells.slice(0, 3)).toEqual([
    'a',
    'StatefulSet/web',
    'cpu: <unknown>/60%',
  ])
})

test('metrics that the old version does not know survive a change made through it', async () => {
  await using server = open()
  const memory = {
    type: 'Resource',
    resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } },
  }
  const scaleTargetRef = { kind: 'StatefulSet', name: 'web' }
  await server.create(AUTOSCALERS, {
    metadata: { name: 'a' },
    spec: { scaleTargetRef, maxReplicas: 5, metrics: [memory] },
  })
  await server.patch(OLD_AUTOSCALERS, 'a', { type: 'merge', body: { spec: { maxReplicas: 7 } } })
  const { spec } = await server.get(AUTOSCALERS, 'a')
  expect(spec).toMatchObject({ maxReplicas: 7, metrics: [memory] })
})
