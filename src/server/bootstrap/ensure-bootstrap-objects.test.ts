import { Registry as MetricsRegistry } from 'prom-client'
import { expect, test } from 'vitest'
import { Service } from '../../api/core-v1/types.ts'
import { apiClient } from '../../client/api-client.ts'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { silentLogger as logger } from '../../machinery/logger.ts'
import { createRegistry } from '../../registry/create-registry.ts'
import { memoryStore } from '../../store/memory/memory-store.ts'
import { createApiServer } from '../api-server.ts'
import { allowAll } from '../authorization/authorizer.ts'
import { SERVER_USER } from '../object-cache.ts'
import { ensureBootstrapObjects } from './ensure-bootstrap-objects.ts'

test('a server that starts again, and two that start together, leave one of everything', async () => {
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
  const options = { authority: 'PEM', url: 'https://192.0.2.1:6443', addresses: ['192.0.2.1'], port: 6443 }
  await Promise.all([ensureBootstrapObjects(transport, options), ensureBootstrapObjects(transport, options)])
  const before = store.head()
  await ensureBootstrapObjects(transport, options)
  expect(store.head()).toBe(before)
  const { items } = await apiClient(transport).list(Service)
  expect(items.map(({ metadata, spec }) => `${metadata.name} ${spec.clusterIP}`)).toEqual(['kubernetes 10.96.0.1'])
  await server.close()
  await registry.close()
})
