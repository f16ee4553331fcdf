import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { failureOf, namesOf, RegistryFixture } from '../registry-fixture.ts'

const open = (options = {}): RegistryFixture =>
  new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1), ...options })
const service = (name: string, spec = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } })

test('a Service gets an address of its own, and gives it back', async () => {
  await using server = open()
  const { spec } = await server.create('services', service('a'))
  expect(spec.clusterIP).toMatch(/^10\.(9[6-9]|1[01]\d)\./)
  expect(spec).toMatchObject({
    clusterIPs: [spec.clusterIP],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    type: 'ClusterIP',
  })
  expect(namesOf(await server.list('ipaddresses.v1.networking.k8s.io'))).toEqual([spec.clusterIP])
  await server.delete('services', 'a')
  expect(namesOf(await server.list('ipaddresses.v1.networking.k8s.io'))).toEqual([])
})

test('an address is given to one Service only', async () => {
  await using server = open()
  await server.create('services', service('a', { clusterIP: '10.96.0.10' }))
  const status = await failureOf(server.create('services', service('b', { clusterIP: '10.96.0.10' })))
  expect(status.message).toContain('failed to allocate IP 10.96.0.10: provided IP is already allocated')
  const outside = await failureOf(server.create('services', service('b', { clusterIP: '10.1.0.10' })))
  expect(outside.message).toContain('is not in the valid range')
})

test('a small range is used up to its last address, and then refused', async () => {
  await using server = open({ serviceRange: '10.9.0.0/29' })
  const made = new Set<string>()
  for (let i = 0; i < 6; i++) made.add((await server.create('services', service(`s${i}`))).spec.clusterIP)
  expect([...made].sort()).toEqual(['10.9.0.1', '10.9.0.2', '10.9.0.3', '10.9.0.4', '10.9.0.5', '10.9.0.6'])
  expect((await failureOf(server.create('services', service('more')))).code).toBe(500)
})

test('a refused Service keeps nothing', async () => {
  await using server = open()
  await failureOf(server.create('services', service('a', { ports: [{ port: 0 }] })))
  expect(namesOf(await server.list('ipaddresses.v1.networking.k8s.io'))).toEqual([])
})

test('headless and ExternalName Services have no address', async () => {
  await using server = open()
  expect((await server.create('services', service('h', { clusterIP: 'None' }))).spec.clusterIPs).toEqual(['None'])
  const external = await server.create(
    'services',
    service('e', { type: 'ExternalName', externalName: 'example.com', ports: [] }),
  )
  expect(external.spec.clusterIP).toBeUndefined()
})

test('node ports are unique, kept over updates and given back', async () => {
  await using server = open({ nodePortRange: '30000-30001' })
  const a = await server.create('services', service('a', { type: 'NodePort' }))
  const b = await server.create('services', service('b', { type: 'NodePort' }))
  expect([a.spec.ports[0].nodePort, b.spec.ports[0].nodePort].sort()).toEqual([30000, 30001])
  const updated = await server.update('services', { ...service('a', { type: 'NodePort', selector: { x: 'y' } }) })
  expect(updated.spec.ports[0].nodePort).toBe(a.spec.ports[0].nodePort)
  expect(updated.spec.clusterIP).toBe(a.spec.clusterIP)
  const plain = await server.patch('services', 'a', { type: 'merge', body: { spec: { type: 'ClusterIP' } } })
  expect(plain.spec.ports[0].nodePort).toBeUndefined()
  expect((await server.create('services', service('c', { type: 'NodePort' }))).spec.ports[0].nodePort).toBe(
    a.spec.ports[0].nodePort,
  )
})

test('an address whose Service was never stored is given back after a while', async () => {
  await using server = open()
  await server.registry.whenReady()
  await server.create('ipaddresses.v1.networking.k8s.io', {
    metadata: { name: '10.96.7.7' },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'lost' } },
  })
  await (server.clock as VirtualClock).advance(200_000)
  expect(namesOf(await server.list('ipaddresses.v1.networking.k8s.io'))).toEqual([])
})
