import { generateKeyPairSync } from 'node:crypto'
import { Registry as MetricsRegistry } from 'prom-client'
import { StorageClass } from '../api/storage-v1/types.ts'
import { apiClient } from '../client/api-client.ts'
import { standardStorageClass } from '../controllers/local-volume-provisioner/standard-storage-class.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { silentLogger } from '../machinery/logger.ts'
import { createRegistry } from '../registry/create-registry.ts'
import { openApiServer } from '../server/open-api-server.ts'
import { memoryStore } from '../store/memory/memory-store.ts'
import { type Entry, EVERY_KEY, type Store } from '../store/store.ts'

/** Where Pods of the simulation would find the server. */
const SERVER = { address: '192.168.0.1', port: 6443 }
/** What Pods find as the cluster's authority; nobody in a simulation speaks TLS. */
export const SIMULATED_AUTHORITY = '-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n'
const SEED = 1
const ENTRIES_MAX = 10_000
const STARTS_MAX = 16

/** The key that signs tokens of service accounts in this process; nothing in a history depends on it. */
export const simulatedTokenKey: string = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

/** Made once for each moment of starting: they take longer to make than all the rest of a small test. Never changed. */
const made = new Map<number, Promise<readonly Entry[]>>()

/** Writes into an empty store what every cluster has at its first moment: namespaces, roles, its own Service, a storage class. */
export async function writeFirstObjects(store: Store, startsAt: Date): Promise<void> {
  const startsAtMs = startsAt.getTime()
  if (made.size >= STARTS_MAX) made.clear()
  const entries = made.get(startsAtMs) ?? madeAt(startsAt)
  made.set(startsAtMs, entries)
  for (const { key, value } of await entries) await store.commit({ type: 'create', key, value })
}

async function madeAt(startsAt: Date): Promise<readonly Entry[]> {
  const clock = new VirtualClock(startsAt)
  const parts = { clock, random: seededRandom(SEED), logger: silentLogger }
  const store = memoryStore({ clock })
  const server = await openApiServer({
    ...parts,
    createRegistry: admission => createRegistry({ ...parts, store, admission }),
    metrics: new MetricsRegistry(),
    tokenKeys: { signing: simulatedTokenKey },
    bootstrap: {
      authority: SIMULATED_AUTHORITY,
      url: `https://${SERVER.address}:${SERVER.port}`,
      addresses: [SERVER.address],
      port: SERVER.port,
    },
  })
  await apiClient(server.transport).create(StorageClass, standardStorageClass)
  await server.close() // What lives while it serves is gone with it.
  const { entries } = await store.list(EVERY_KEY, { limit: ENTRIES_MAX })
  await store.close()
  return entries.toSorted((a, b) => a.modRevision - b.modRevision)
}
