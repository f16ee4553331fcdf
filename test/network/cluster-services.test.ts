import { afterEach, beforeEach, expect, test } from 'vitest'
import { Endpoints, Namespace, Node, Service } from '../../src/api/core-v1/types.ts'
import { EndpointSlice } from '../../src/api/discovery-v1/types.ts'
import { apiClient } from '../../src/client/api-client.ts'
import type { Client } from '../../src/client/client.ts'
import type { Dependencies } from '../../src/client/controller.ts'
import { clusterCatalog } from '../../src/dns/cluster/catalog.ts'
import { clusterZone } from '../../src/dns/cluster/cluster-zone.ts'
import { RecordType } from '../../src/dns/message/message.ts'
import { dataText } from '../../src/dns/message/resource-record.ts'
import { clusterDnsService } from '../../src/dns/service/cluster-dns-service.ts'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { loadBalancerStatus } from '../../src/proxy/load-balancer-status.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { ControlPlane } from '../../src/testing/control-plane.ts'

let plane: ControlPlane
let client: Client
let dependencies: Dependencies
const kubeDns = { namespace: 'kube-system', name: 'kube-dns' }

beforeEach(async () => {
  const clock = new VirtualClock()
  plane = new ControlPlane({ store: memoryStore({ clock }), clock, random: seededRandom(1), logger: silentLogger })
  await plane.registry.whenReady()
  client = apiClient(plane.transport('test'))
  for (const name of ['kube-system', 'default']) await client.create(Namespace, { metadata: { name }, spec: {} })
  dependencies = plane.dependencies({ component: 'test' }, plane.newInformers('test'))
})

afterEach(() => plane.close())

/** The next state of a Service that is as described. */
async function serviceThat(name: string, namespace: string, holds: (service: Service) => boolean): Promise<Service> {
  const services = dependencies.informers.informer(Service)
  const { promise, resolve } = Promise.withResolvers<Service>()
  using _subscription = services.subscribe(({ type, object }) => {
    const isIt = object.metadata.name === name && object.metadata.namespace === namespace
    if (type !== 'deleted' && isIt && holds(object)) resolve(object)
  })
  return await promise
}

test('the Service of the cluster DNS is made with its endpoint, named both ways, and comes back when deleted', async () => {
  void plane.run(clusterDnsService(dependencies, { address: '10.96.0.10' }))
  const zone = clusterZone({
    catalog: clusterCatalog(dependencies.informers),
    serverAddress: '10.96.0.10',
    ownRanges: [],
  })
  const { metadata } = await serviceThat('kube-dns', 'kube-system', ({ spec }) => spec.clusterIP === '10.96.0.10')
  await dependencies.informers.whenSynced()
  const names = zone.answer({ name: '10.0.96.10.in-addr.arpa', type: RecordType.PTR })!.answers.map(dataText)
  expect(names).toEqual(['kube-dns.kube-system.svc.cluster.local.'])
  await client.delete(Service, kubeDns)
  await serviceThat('kube-dns', 'kube-system', service => service.metadata.uid !== metadata.uid)
})

test('its endpoints are there in both forms', async () => {
  void plane.run(clusterDnsService(dependencies, { address: '10.96.0.10' }))
  const slices = dependencies.informers.informer(EndpointSlice)
  await new Promise<void>(resolve => slices.subscribe(({ object }) => object.metadata.name === 'kube-dns' && resolve()))
  expect((await client.get(EndpointSlice, kubeDns)).endpoints?.[0]?.addresses).toEqual(['10.96.0.10'])
  expect((await client.get(Endpoints, kubeDns)).subsets?.[0]?.addresses).toEqual([{ ip: '10.96.0.10' }])
})

test('a load balancer gets the addresses of the machines, and loses them with its type', async () => {
  void plane.run(loadBalancerStatus(dependencies, { reservedPorts: [6443] }))
  const node = await client.create(Node, { metadata: { name: 'a' }, spec: {} })
  await client.updateStatus(Node, { ...node, status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] } })
  await client.create(Service, {
    metadata: { namespace: 'default', name: 'web' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], selector: { app: 'web' } },
  })
  const ingressOf = ({ status }: Service) => status?.loadBalancer?.ingress ?? []
  const balanced = await serviceThat('web', 'default', service => ingressOf(service).length > 0)
  expect(ingressOf(balanced)[0]?.ip).toBe('192.0.2.1')
  await client.patch(
    Service,
    { namespace: 'default', name: 'web' },
    { type: 'merge', body: { spec: { type: 'ClusterIP' } } },
  )
  await serviceThat('web', 'default', service => service.spec.type === 'ClusterIP' && ingressOf(service).length === 0)
})
