import { expect, test } from 'vitest'
import { ConfigMap, Event } from '../api/core-v1/types.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { silentLogger } from '../machinery/logger.ts'
import { startCluster } from '../testing/start-cluster.ts'
import { ApiEventRecorder } from './api-event-recorder.ts'

async function recording() {
  const cluster = await startCluster({ nodes: 0 })
  const { client, clock } = cluster
  const about = await client.create(ConfigMap, { metadata: { name: 'thing', namespace: 'default' } })
  const recorder = new ApiEventRecorder(
    { component: 'test' },
    { client, clock, random: seededRandom(1), logger: silentLogger },
  )
  const events = async () => {
    await clock.rest()
    const { items } = await client.list(Event, { namespace: 'default' })
    return items.map(({ reason, message, count }) => ({ reason, message, count }))
  }
  return { cluster, about, recorder, events, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() }
}

test('a repeated event raises its count instead of making another', async () => {
  await using world = await recording()
  for (let n = 0; n < 3; n++) world.recorder.record(world.about, { type: 'Normal', reason: 'Seen', message: 'again' })
  expect(await world.events()).toEqual([{ reason: 'Seen', message: 'again', count: 3 }])
})

test('many different messages of one reason become one combined event', async () => {
  await using world = await recording()
  for (let n = 0; n < 15; n++)
    world.recorder.record(world.about, { type: 'Warning', reason: 'Failed', message: `try ${n}` })
  const events = await world.events()
  expect(events).toHaveLength(11)
  expect(events.find(({ count }) => count === 5)?.message).toBe('(combined from similar events): try 14')
})

test('an object that makes too many events gets fewer, one more every five minutes', async () => {
  await using world = await recording()
  const record = (n: number): void =>
    world.recorder.record(world.about, { type: 'Normal', reason: `R${n}`, message: 'm' })
  for (let n = 0; n < 100; n++) record(n)
  expect(await world.events()).toHaveLength(25)
  expect(world.recorder.dropped).toBe(75)
  await world.cluster.advance('5m')
  record(101)
  record(102)
  expect(await world.events()).toHaveLength(26)
})

test('events of one second are listed in the order in which they happened', async () => {
  await using world = await recording()
  const reasons = ['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started', 'BackOff', 'Failed', 'Killing']
  for (const [n, reason] of reasons.entries()) {
    world.recorder.record(world.about, { type: 'Normal', reason, message: 'm' })
    if (n % 3 === 0) await world.cluster.advance(1)
  }
  expect((await world.events()).map(({ reason }) => reason)).toEqual(reasons)
})
