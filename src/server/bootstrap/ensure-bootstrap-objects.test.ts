import { Registry as MetricsRegistry } from 'prom-client'
import { expect, test } from 'vitest'
import { Service } from '../../api/core-v1/types.ts'
import { IPAddress } from '../../api/networking-v1/types.ts'
import { apiClient } from '../../client/api-client.ts'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { ApiTransport } from '../../machinery/api-call.ts'
import { silentLogger as logger } from '../../machinery/logger.ts'
import { createRegistry } from '../../registry/create-registry.ts'
import { memoryStore } from '../../store/memory/memory-store.ts'
import { createApiServer } from '../api-server.ts'
import { allowAll } from '../authorization/authorizer.ts'
import { SERVER_USER } from '../object-cache.ts'
import { ensureBootstrapObjects } from './ensure-bootstrap-objects.ts'

test('a server that starts again, and two that start together, leave one of everything', async () => {
  await using started = await startServer()
  const { store, transport } = started
  await Promise.all([ensureBootstrapObjects(transport, started), ensureBootstrapObjects(transport, started)])
  const before = store.head()
  await ensureBootstrapObjects(transport, started)
  expect(store.head()).toBe(before)
  expect(await ownServices(transport)).toEqual(['kubernetes 10.96.0.1'])
})

test('the address that a server took and was killed before it made its Service is taken from it', async () => {
  await using started = await startServer()
  const { clock, transport } = started
  const client = apiClient(transport)
  const parentRef = { group: '', resource: 'services', namespace: 'default', name: 'kubernetes' }
  await client.create(IPAddress, { metadata: { name: '10.96.0.1' }, spec: { parentRef } })
  const ended = ensureBootstrapObjects(transport, started)
  await clock.advance(6_000)
  await ended
  expect(await ownServices(transport)).toEqual(['kubernetes 10.96.0.1'])
  const { items } = await client.list(IPAddress)
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['10.96.0.1'])
})

test('a server waits for another one that has taken the address and not made the Service yet', async () => {
  await using started = await startServer()
  const { clock, transport } = started
  const client = apiClient(transport)
  const parentRef = { group: '', resource: 'services', namespace: 'default', name: 'kubernetes' }
  const reserved = await client.create(IPAddress, { metadata: { name: '10.96.0.1' }, spec: { parentRef } })
  const ended = ensureBootstrapObjects(transport, started)
  await clock.advance(1_000)
  await client.delete(IPAddress, { name: reserved.metadata.name })
  await clock.advance(1_000)
  await ended
  expect(await ownServices(transport)).toEqual(['kubernetes 10.96.0.1'])
})

test('an address that another Service has is no address for the own one', async () => {
  await using started = await startServer()
  const parentRef = { group: '', resource: 'services', namespace: 'default', name: 'other' }
  await apiClient(started.transport).create(IPAddress, { metadata: { name: '10.96.0.1' }, spec: { parentRef } })
  await expect(ensureBootstrapObjects(started.transport, started)).rejects.toThrow('already allocated')
})

async function ownServices(transport: ApiTransport): Promise<string[]> {
  const { items } = await apiClient(transport).list(Service)
  return items.map(({ metadata, spec }) => `${metadata.name} ${spec.clusterIP}`)
}

async function startServer() {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const store = memoryStore({ clock })
  const registry = createRegistry({ store, clock, random, logger, admission: [] })
  const metrics = new MetricsRegistry()
  const server = createApiServer({
    registry,
    clock,
    random,
    logger,
    metrics,
    authentication: [],
    authorization: allowAll,
  })
  await registry.whenReady()
  const transport = server.transportFor(SERVER_USER)
  return {
    ...{ authority: 'PEM', url: 'https://192.0.2.1:6443', addresses: ['192.0.2.1'], port: 6443 },
    ...{ clock, store, transport },
    async [Symbol.asyncDispose](): Promise<void> {
      await server.close()
      await registry.close()
    },
  }
}
