import { expect, test } from 'vitest'
import { ConfigMap } from '../../src/api/core-v1/types.ts'
import { apiClient } from '../../src/client/api-client.ts'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { isStatusError } from '../../src/machinery/status.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { ControlPlane } from '../../src/testing/control-plane.ts'

/** A server within this process, and how a watch on it ends. */
async function watched() {
  const clock = new VirtualClock()
  const store = memoryStore({ clock })
  const plane = new ControlPlane({ store, clock, random: seededRandom(1), logger: silentLogger })
  const { registry, server } = plane
  await registry.whenReady()
  const client = apiClient(server.transportFor({ name: 'somebody', groups: ['system:masters'] }))
  const watch = (): Promise<unknown> =>
    (async () => {
      for await (const _ of client.watch(ConfigMap, { signal: new AbortController().signal }));
      return 'ended without a word'
    })().catch(error => (isStatusError(error) ? error.status.reason : error))
  return { clock, store, registry, server, client, watch }
}

test('a server that closes ends the watches within its process, and serves no more', async () => {
  const { server, client, watch, clock } = await watched()
  const ended = watch()
  await clock.rest()
  await server.close()
  expect(await ended).toBe('ServiceUnavailable')
  expect(await watch()).toBe('ServiceUnavailable')
  await expect(client.list(ConfigMap)).rejects.toThrow('the server is shutting down')
})

test('a registry that closes ends its watches, and begins no more', async () => {
  const { registry, watch, clock } = await watched()
  const ended = watch()
  await clock.rest()
  await registry.close()
  expect(await ended).toBe('ServiceUnavailable')
  expect(await watch()).toBe('ServiceUnavailable')
})

test('a store that closes ends the watches of the servers over it, which have nothing to answer from then', async () => {
  const { store, client, watch, clock } = await watched()
  const ended = watch()
  await clock.rest()
  await store.close()
  expect(await ended).toBe('ServiceUnavailable')
  expect(await watch()).toBe('ServiceUnavailable')
  await expect(client.list(ConfigMap)).rejects.toThrow('the storage is not available')
})
