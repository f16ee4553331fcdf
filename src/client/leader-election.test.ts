import { expect, test } from 'vitest'
import { Lease } from '../api/coordination-v1/types.ts'
import { CuttableTransport } from '../fakes/cuttable-transport.ts'
import type { ApiTransport } from '../machinery/api-call.ts'
import { silentLogger } from '../machinery/logger.ts'
import { startCluster } from '../testing/start-cluster.ts'
import { apiClient } from './api-client.ts'
import { runWhileLeading } from './leader-election.ts'

async function candidates(names: readonly string[]) {
  const cluster = await startCluster({ nodes: 0 })
  const leading = new Set<string>()
  let mostAtOnce = 0
  const each = names.map(identity => {
    const transport = new CuttableTransport(cluster.client.transport)
    const stop = new AbortController()
    const options = {
      client: apiClient(transport),
      clock: cluster.clock,
      logger: silentLogger,
      lease: { namespace: 'kube-system', name: 'leader' },
      identity,
    }
    const lead = async (signal: AbortSignal): Promise<void> => {
      leading.add(identity)
      mostAtOnce = Math.max(mostAtOnce, leading.size)
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
      leading.delete(identity)
    }
    return { transport, stop, ended: runWhileLeading(options, lead, stop.signal) }
  })
  const dispose = async (): Promise<void> => {
    for (const { stop } of each) stop.abort(new Error('over'))
    await cluster.advance('5s')
    await Promise.all(each.map(({ ended }) => ended))
    await cluster[Symbol.asyncDispose]()
  }
  return { cluster, leading, mostAtOnce: () => mostAtOnce, each, [Symbol.asyncDispose]: dispose }
}

test('one of several candidates leads, and goes on leading', async () => {
  await using world = await candidates(['a', 'b', 'c'])
  await world.cluster.advance('1m')
  expect([...world.leading]).toEqual(['a'])
  expect(world.mostAtOnce()).toBe(1)
})

test('a leader that is asked to stop hands over at once', async () => {
  await using world = await candidates(['a', 'b'])
  await world.cluster.advance('5s')
  world.each[0]!.stop.abort(new Error('restart'))
  await world.cluster.advance('2s')
  expect([...world.leading]).toEqual(['b'])
})

test('a leader that is cut off steps down before the next one starts, and losing it is over within five seconds', async () => {
  await using world = await candidates(['a', 'b'])
  await world.cluster.advance('5s')
  world.each[0]!.transport.cut()
  await world.cluster.advance('5s')
  expect([...world.leading]).toEqual(['b'])
  expect(world.mostAtOnce()).toBe(1)
  world.each[0]!.transport.heal()
  await world.cluster.advance('1m')
  expect([...world.leading]).toEqual(['b'])
})

test('a leader that ends while it renews lets go all the same', async () => {
  const cluster = await startCluster({ nodes: 0 })
  await using _ = cluster
  const { clock } = cluster
  const inner = cluster.client.transport
  const slow: ApiTransport = {
    async request(call, signal) {
      if (call.verb === 'update') await clock.sleep(50)
      return inner.request(call, signal)
    },
    watch: (call, signal) => inner.watch(call, signal),
  }
  const lease = { namespace: 'kube-system', name: 'leader' }
  const stop = new AbortController()
  const lead = (signal: AbortSignal) =>
    new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  const options = { client: apiClient(slow), clock, logger: silentLogger, lease, identity: 'a' }
  const ended = runWhileLeading(options, lead, stop.signal)
  await cluster.advance(520) // It renews every half second.
  stop.abort(new Error('over'))
  await cluster.advance(1000)
  await ended
  expect((await cluster.client.get(Lease, lease)).spec.holderIdentity).toBe('')
})
