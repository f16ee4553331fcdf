import { expect, test } from 'vitest'
import { ConfigMap } from '../api/core-v1/types.ts'
import { CuttableTransport } from '../fakes/cuttable-transport.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { silentLogger } from '../machinery/logger.ts'
import { startCluster } from '../testing/start-cluster.ts'
import { apiClient } from './api-client.ts'
import type { InformerEvent } from './informer.ts'
import { SharedInformers } from './shared-informers.ts'

/** Not what the cluster puts into every namespace by itself. */
const isOurs = ({ data }: ConfigMap): boolean => data?.value !== undefined

async function informed() {
  const cluster = await startCluster({ nodes: 0 })
  const { clock } = cluster
  const transport = new CuttableTransport(cluster.client.transport)
  const informers = new SharedInformers({
    client: apiClient(transport),
    clock,
    random: seededRandom(1),
    logger: silentLogger,
  })
  const informer = informers.informer(ConfigMap, { namespace: 'default' })
  const seen: string[] = []
  informer.subscribe(({ type, object }: InformerEvent<ConfigMap>) => {
    if (isOurs(object)) seen.push(`${type} ${object.metadata.name}=${object.data?.value}`)
  })
  const create = (name: string, value = '1') =>
    cluster.client.create(ConfigMap, { metadata: { name, namespace: 'default' }, data: { value } })
  const write = (name: string, value: string) =>
    cluster.client.patch(ConfigMap, { namespace: 'default', name }, { type: 'merge', body: { data: { value } } })
  const remove = (name: string) => cluster.client.delete(ConfigMap, { namespace: 'default', name })
  const dispose = async (): Promise<void> => {
    await informers.stop()
    await cluster[Symbol.asyncDispose]()
  }
  return { cluster, clock, transport, informers, informer, seen, create, write, remove, [Symbol.asyncDispose]: dispose }
}

test('every change is told once, in order, after the cache holds it', async () => {
  await using world = await informed()
  await world.create('a')
  await world.write('a', '2')
  await world.remove('a')
  await world.clock.rest()
  expect(world.seen).toEqual(['added a=1', 'updated a=2', 'deleted a=2'])
  expect(world.informer.list().filter(isOurs)).toEqual([])
})

test('what happened while the connection was cut is told afterwards, a missed deletion with the last state known', async () => {
  await using world = await informed()
  await world.create('kept')
  await world.create('lost')
  await world.clock.rest()
  world.seen.length = 0
  world.transport.cut()
  await world.write('kept', '2')
  await world.write('kept', '3')
  await world.remove('lost')
  await world.create('new')
  await world.cluster.advance('20s')
  expect(world.seen).toEqual([])
  world.transport.heal()
  await world.cluster.advance('20s')
  expect(world.seen.toSorted()).toEqual(expect.arrayContaining(['added new=1', 'deleted lost=1']))
  expect(world.seen.filter(event => event.startsWith('updated kept')).at(-1)).toBe('updated kept=3')
  expect(
    world.informer
      .list()
      .filter(isOurs)
      .map(({ metadata }) => metadata.name)
      .toSorted(),
  ).toEqual(['kept', 'new'])
})

test('a name that was deleted and created anew unseen is told as two objects', async () => {
  await using world = await informed()
  await world.create('a')
  await world.clock.rest()
  world.transport.cut()
  await world.remove('a')
  await world.create('a', '9')
  world.seen.length = 0
  world.transport.heal()
  await world.cluster.advance('20s')
  expect(world.seen).toEqual(['deleted a=1', 'added a=9'])
})

test('indexes follow every change', async () => {
  await using world = await informed()
  world.informer.addIndex('value', ({ data }) => (data?.value ? [data.value] : []))
  await world.create('a', 'x')
  await world.create('b', 'x')
  await world.clock.rest()
  expect(world.informer.byIndex('value', 'x')).toHaveLength(2)
  await world.write('a', 'y')
  await world.remove('b')
  await world.clock.rest()
  expect(world.informer.byIndex('value', 'x')).toEqual([])
  expect(world.informer.byIndex('value', 'y')).toHaveLength(1)
  expect(() => world.informer.byIndex('other', 'x')).toThrow('no index named "other"')
})

test('waiting for the first list ends with the reason of its signal', async () => {
  await using world = await informed()
  world.transport.cut()
  const informers = new SharedInformers({
    client: apiClient(world.transport),
    clock: world.clock,
    random: seededRandom(1),
    logger: silentLogger,
  })
  const stop = new AbortController()
  const waiting = informers.informer(ConfigMap).whenSynced(stop.signal)
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await informers.stop()
})

test('a kind that is released is told as deleted, and nothing is asked for any more', async () => {
  await using world = await informed()
  await world.create('a')
  await world.clock.rest()
  world.informers.release(ConfigMap)
  expect(world.seen).toEqual(['added a=1', 'deleted a=1'])
  world.transport.cut() // Whoever asks, would be told that this failed, and would ask again.
  await world.create('b')
  await world.clock.advance(60_000)
  world.transport.heal()
  await world.clock.advance(60_000)
  expect(world.informer.list()).toEqual([])
  expect(world.seen).toHaveLength(2)
  const again = world.informers.informer(ConfigMap, { namespace: 'default' })
  await again.whenSynced()
  expect(again.list().filter(isOurs)).toHaveLength(2)
})
