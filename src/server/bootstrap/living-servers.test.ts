import { Registry as MetricsRegistry } from 'prom-client'
import { expect, test } from 'vitest'
import { Lease } from '../../api/coordination-v1/types.ts'
import { Endpoints } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import { apiClient } from '../../client/api-client.ts'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { silentLogger as logger } from '../../machinery/logger.ts'
import { createRegistry } from '../../registry/create-registry.ts'
import { memoryStore } from '../../store/memory/memory-store.ts'
import { createApiServer } from '../api-server.ts'
import { allowAll } from '../authorization/authorizer.ts'
import { SERVER_USER } from '../object-cache.ts'
import { BootstrapWriter } from './bootstrap-writer.ts'
import { LivingServers } from './living-servers.ts'

const KEY = { namespace: 'default', name: 'kubernetes' }

test('the Service lists every server that lives, in the same order on each', async () => {
  await using cluster = await startCluster()
  await cluster.server('192.0.2.2').join()
  await cluster.server('192.0.2.1').join()
  expect(await cluster.published()).toEqual(['192.0.2.1:6443', '192.0.2.2:6443'])
  expect(await cluster.publishedInSlices()).toEqual({ kubernetes: ['192.0.2.1:6443', '192.0.2.2:6443'] })
})

test('servers that start in the same moment all come into the list', async () => {
  await using cluster = await startCluster()
  const names = Array.from({ length: 8 }, (_, n) => `192.0.2.${n + 1}`)
  await Promise.all(names.map(name => cluster.server(name).join()))
  expect(await cluster.published()).toEqual(names.map(name => `${name}:6443`))
})

test('a server that stops is out of the list at once', async () => {
  await using cluster = await startCluster()
  const [first, second] = [cluster.server('192.0.2.1'), cluster.server('192.0.2.2')]
  await first.join()
  await second.join()
  await first.leave()
  expect(await cluster.published()).toEqual(['192.0.2.2:6443'])
})

test('the last server leaves its address behind, and no Lease', async () => {
  await using cluster = await startCluster()
  const server = cluster.server('192.0.2.1')
  await server.join()
  await server.leave()
  expect(await cluster.published()).toEqual(['192.0.2.1:6443'])
  expect((await cluster.client.list(Lease)).items).toEqual([])
})

test('a server that was killed is out of the list within 20 seconds, and not before 15', async () => {
  await using cluster = await startCluster()
  await cluster.leaseOf('192.0.2.9 6443')
  await cluster.server('192.0.2.1').join()
  expect(await cluster.published()).toEqual(['192.0.2.1:6443', '192.0.2.9:6443'])
  await cluster.clock.advance(14_000)
  expect(await cluster.published()).toHaveLength(2)
  await cluster.clock.advance(6_000)
  expect(await cluster.published()).toEqual(['192.0.2.1:6443'])
})

test('servers that live stay in the list as time goes by', async () => {
  await using cluster = await startCluster()
  await cluster.server('192.0.2.1').join()
  await cluster.server('192.0.2.2').join()
  for (let minute = 0; minute < 10; minute++) {
    await cluster.clock.advance(60_000)
    expect(await cluster.published()).toHaveLength(2)
  }
})

test('a server whose clock is half a minute behind lives', async () => {
  await using cluster = await startCluster()
  await cluster.leaseOf('192.0.2.9 6443', -30_000)
  await cluster.server('192.0.2.1').join()
  expect(await cluster.published()).toContain('192.0.2.9:6443')
})

test('what a server left that is long gone counts for nothing from the start', async () => {
  await using cluster = await startCluster()
  await cluster.leaseOf('192.0.2.9 6443', -3_600_000)
  await cluster.server('192.0.2.1').join()
  expect(await cluster.published()).toEqual(['192.0.2.1:6443'])
})

test('servers on different ports are in slices of their own, which go with them', async () => {
  await using cluster = await startCluster()
  const other = cluster.server('192.0.2.1', 7443)
  await cluster.server('192.0.2.1').join()
  await other.join()
  expect(await cluster.publishedInSlices()).toEqual({
    kubernetes: ['192.0.2.1:6443'],
    'kubernetes-7443': ['192.0.2.1:7443'],
  })
  await other.leave()
  expect(await cluster.publishedInSlices()).toEqual({ kubernetes: ['192.0.2.1:6443'] })
})

test('an address that somebody took out by hand comes back', async () => {
  await using cluster = await startCluster()
  await cluster.server('192.0.2.1').join()
  await cluster.client.delete(Endpoints, KEY)
  await cluster.clock.advance(6_000)
  expect(await cluster.published()).toEqual(['192.0.2.1:6443'])
})

async function startCluster() {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const store = memoryStore({ clock })
  const registry = createRegistry({ store, clock, random, logger, admission: [] })
  const metrics = new MetricsRegistry()
  const parts = { registry, clock, random, logger, metrics, authentication: [], authorization: allowAll }
  const server = createApiServer(parts)
  await registry.whenReady()
  const transport = server.transportFor(SERVER_USER)
  const client = apiClient(transport)
  return {
    clock,
    client,
    server: (address: string, port = 6443) =>
      new LivingServers({ writer: new BootstrapWriter(transport), clock, logger, addresses: [address], port }),
    /** As a server writes it that lives no more. */
    leaseOf: (holderIdentity: string, offsetMs = 0) =>
      client.create(Lease, {
        metadata: {
          namespace: 'kube-system',
          name: 'other',
          labels: { 'apiserver.kubernetes.io/identity': 'holdfast' },
        },
        spec: { holderIdentity, renewTime: new Date(clock.now().getTime() + offsetMs).toISOString() },
      }),
    async published(): Promise<string[]> {
      const { subsets = [] } = await client.get(Endpoints, KEY)
      return subsets.flatMap(({ addresses = [], ports = [] }) => addresses.map(({ ip }) => `${ip}:${ports[0]!.port}`))
    },
    async publishedInSlices(): Promise<Record<string, string[]>> {
      const { items } = await client.list(EndpointSlice)
      return Object.fromEntries(
        items.map(({ metadata, endpoints, ports }) => [
          metadata.name,
          endpoints!.flatMap(({ addresses }) => addresses.map(address => `${address}:${ports![0]!.port}`)),
        ]),
      )
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await server.close()
      await registry.close()
    },
  }
}
