import { generateKeyPairSync } from 'node:crypto'
import { Registry as MetricsRegistry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigMap, Namespace, ResourceQuota, Service } from '../../src/api/core-v1/types.ts'
import { apiClient } from '../../src/client/api-client.ts'
import type { Client } from '../../src/client/client.ts'
import { silentLogger as logger } from '../../src/machinery/logger.ts'
import { isStatusError } from '../../src/machinery/status.ts'
import { systemClock as clock } from '../../src/machinery/system-clock.ts'
import { systemRandom as random } from '../../src/machinery/system-random.ts'
import { createRegistry } from '../../src/registry/create-registry.ts'
import { openApiServer } from '../../src/server/open-api-server.ts'
import { EtcdServer } from '../../src/store/etcd/etcd-server.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'

/** Two API servers on one etcd, as two processes would be. */
let etcd: EtcdServer
const servers: AsyncDisposable[] = []
const clients: Client[] = []

beforeAll(async () => {
  etcd = await EtcdServer.start()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signing = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  for (let n = 0; n < 2; n++) {
    const store = await openEtcdStore({ endpoints: [etcd.endpoint], prefix: '/quota', clock, historyMs: 0 })
    const server = await openApiServer({
      createRegistry: admission => createRegistry({ store, clock, random, logger, admission }),
      ...{ clock, random, logger, metrics: new MetricsRegistry(), tokenKeys: { signing } },
    })
    servers.push({
      async [Symbol.asyncDispose]() {
        await server.close()
        await store.close()
      },
    })
    clients.push(apiClient(server.transport))
  }
})
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]()
  await etcd?.[Symbol.asyncDispose]()
})

async function namespaceWith(name: string, hard: Record<string, string>): Promise<void> {
  const [first, second] = clients as [Client, Client]
  await first.create(Namespace, { metadata: { name }, spec: {} })
  await first.create(ResourceQuota, { metadata: { name: 'few', namespace: name }, spec: { hard } })
  // The second server knows of it once its own cache has seen it.
  await expect
    .poll(async () => {
      try {
        await second.create(ConfigMap, { metadata: { name: 'probe', namespace: name } }, { dryRun: true })
        return (await second.get(ResourceQuota, { namespace: name, name: 'few' })).status?.hard !== undefined
      } catch (error) {
        return !isStatusError(error, 'NotFound')
      }
    })
    .toBe(true)
}

const settled = async (attempts: readonly Promise<unknown>[]): Promise<{ made: number; refused: number }> => {
  const ends = await Promise.allSettled(attempts)
  const refusals = ends.filter(end => end.status === 'rejected')
  for (const { reason } of refusals) expect(isStatusError(reason, 'Forbidden')).toBe(true)
  return { made: ends.length - refusals.length, refused: refusals.length }
}

test('a quota is full when it is full, however many servers are asked at once', async () => {
  await namespaceWith('crowd', { configmaps: '7' })
  const attempts = Array.from({ length: 40 }, (_, n) =>
    clients[n % 2]!.create(ConfigMap, { metadata: { name: `c-${n}`, namespace: 'crowd' } }),
  )
  expect(await settled(attempts)).toEqual({ made: 7, refused: 33 })
  expect((await clients[0]!.list(ConfigMap, { namespace: 'crowd' })).items).toHaveLength(7)
})

test('what was let through and not made leaves room at once, and nothing stands in the quota for long', async () => {
  await namespaceWith('second', { configmaps: '2' })
  const [first, second] = clients as [Client, Client]
  const named = (name: string) => ({ metadata: { name, namespace: 'second' } })
  await first.create(ConfigMap, named('a'))
  await expect(first.create(ConfigMap, named('a'))).rejects.toSatisfy(error => isStatusError(error, 'AlreadyExists'))
  await first.create(ConfigMap, named('b'))
  await expect(second.create(ConfigMap, named('c'))).rejects.toThrow('exceeded quota: few, requested: configmaps=1')
  await second.delete(ConfigMap, { namespace: 'second', name: 'a' })
  await second.create(ConfigMap, named('c'))
  await expect
    .poll(async () => {
      const { metadata, status } = await first.get(ResourceQuota, { namespace: 'second', name: 'few' })
      return { annotations: metadata.annotations ?? {}, used: status?.used }
    })
    .toEqual({ annotations: {}, used: { configmaps: '2' } })
})

test('changes that need more are counted like new objects', async () => {
  await namespaceWith('changes', { 'services.nodeports': '3' })
  const service = (name: string) => ({
    metadata: { name, namespace: 'changes' },
    spec: { ports: [{ port: 80 }] } as Service['spec'],
  })
  for (let n = 0; n < 6; n++) await clients[0]!.create(Service, service(`s-${n}`))
  const attempts = Array.from({ length: 6 }, (_, n) =>
    clients[n % 2]!.patch(
      Service,
      { namespace: 'changes', name: `s-${n}` },
      { type: 'merge', body: { spec: { type: 'NodePort' } } },
    ),
  )
  expect(await settled(attempts)).toEqual({ made: 3, refused: 3 })
})
