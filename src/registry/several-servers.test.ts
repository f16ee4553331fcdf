import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededRandom } from '../fakes/seeded-random.ts'
import { systemClock } from '../machinery/system-clock.ts'
import { EtcdServer } from '../store/etcd/etcd-server.ts'
import { openEtcdStore } from '../store/etcd/etcd-store.ts'
import { failureOf, namesOf, RegistryFixture } from './registry-fixture.ts'

let etcd: EtcdServer
let clusters = 0

beforeAll(async () => {
  etcd = await EtcdServer.start()
})

afterAll(() => etcd[Symbol.asyncDispose]())

/** Two API servers, each with its own connection to one etcd. */
async function openTwo() {
  const prefix = `/cluster-${clusters++}`
  const open = async (seed: number): Promise<RegistryFixture> => {
    const store = await openEtcdStore({ endpoints: [etcd.endpoint], prefix, clock: systemClock, historyMs: 0 })
    const server = new RegistryFixture({
      clock: systemClock,
      random: seededRandom(seed),
      store,
      serviceRange: '10.9.0.0/28',
    })
    await server.registry.whenReady()
    return server
  }
  const [a, b] = [await open(1), await open(2)]
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]()
      await b[Symbol.asyncDispose]()
    },
  }
}

test('what one server acknowledged, another shows in its next read', async () => {
  await using servers = await openTwo()
  const { a, b } = servers
  for (let i = 0; i < 20; i++) {
    const created = await a.create('configmaps', { metadata: { name: `c${i}` }, data: { n: '0' } })
    expect(await b.get('configmaps', `c${i}`)).toEqual(created)
    const updated = await b.update('configmaps', { ...created, data: { n: '1' } })
    // The first server may not have seen the second one's write, and must not call its client stale.
    const again = await a.update('configmaps', { ...updated, data: { n: '2' } })
    expect(namesOf(await b.list('configmaps')).length).toBe(i + 1)
    expect((await b.get('configmaps', `c${i}`)).data).toEqual(again.data)
  }
})

test('servers never give out an address twice', async () => {
  await using servers = await openTwo()
  const { a, b } = servers
  const service = (name: string) => ({ metadata: { name }, spec: { ports: [{ port: 80 }] } })
  const made = await Promise.all(
    Array.from({ length: 14 }, (_, i) => (i % 2 ? a : b).create('services', service(`s${i}`))),
  )
  expect(new Set(made.map(({ spec }) => spec.clusterIP)).size).toBe(14)
})

test('a definition made on one server is served by the other', async () => {
  await using servers = await openTwo()
  const { a, b } = servers
  const served = new Promise<void>(resolve => {
    b.registry.onChange(resolve)
  })
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' } } } }
  await a.create('customresourcedefinitions.v1.apiextensions.k8s.io', {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  await served
  expect((await b.create('things.v1.example.com', { metadata: { name: 'x' } })).kind).toBe('Thing')
})

test('a stale update conflicts on either server', async () => {
  await using servers = await openTwo()
  const { a, b } = servers
  const created = await a.create('configmaps', { metadata: { name: 'c' } })
  await b.update('configmaps', { ...created, data: { n: '1' } })
  expect((await failureOf(a.update('configmaps', { ...created, data: { n: '2' } }))).code).toBe(409)
})
