import { expect, test } from 'vitest'
import type { Endpoints } from '../../src/api/core-v1/types.ts'
import { EndpointSlice } from '../../src/api/discovery-v1/types.ts'
import { type Cluster, startCluster } from '../../src/testing/testing.ts'
import { deployment, service } from './workload-manifests.ts'

const slices = async (cluster: Cluster): Promise<readonly EndpointSlice[]> =>
  (await cluster.client.list(EndpointSlice, { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web' }))
    .items
const endpoints = async (cluster: Cluster) => (await slices(cluster)).flatMap(slice => slice.endpoints ?? [])

test('the Pods of a Service are its endpoints, in slices and in the object of its name', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply([service({}, { labels: { team: 'a' } }), deployment()])
  await cluster.settle()
  const addresses = (await cluster.pods()).map(({ status }) => status.podIP).sort()
  const [slice] = await slices(cluster)
  expect(slice).toMatchObject({
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    metadata: {
      labels: {
        team: 'a',
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'service.kubernetes.io/headless': '',
      },
    },
  })
  expect(slice?.endpoints?.flatMap(endpoint => endpoint.addresses).sort()).toEqual(addresses)
  expect(slice?.endpoints?.every(({ conditions }) => conditions?.ready)).toBe(true)
  const legacy = await cluster.get<Endpoints>('endpoints/web')
  expect(legacy.metadata.labels).toMatchObject({ team: 'a' })
  expect(legacy.subsets?.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)).sort()).toEqual(addresses)
})

test('between a change of readiness and the slice that shows it no time passes', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply([service(), deployment({ replicas: 1 })])
  await cluster.settle()
  const [pod] = await cluster.pods()
  await cluster.node('node-1').stopKubelet() // It would say at once that the Pod is ready after all.
  const conditions = [{ type: 'Ready', status: 'False' }]
  const before = cluster.clock.monotonicMs()
  await cluster.client.patch(
    { group: '', version: 'v1', apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
    { namespace: 'default', name: pod!.metadata.name },
    { type: 'strategic', subresource: 'status', body: { status: { conditions } } },
  )
  for (let turn = 0; turn < 20 && (await endpoints(cluster))[0]?.conditions?.ready; turn++) await cluster.clock.rest()
  expect((await endpoints(cluster))[0]?.conditions).toMatchObject({ ready: false, serving: false })
  expect(cluster.clock.monotonicMs()).toBe(before)
})

test('a Service without a selector is left alone', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } })
  await cluster.settle()
  expect(await slices(cluster)).toEqual([])
  expect(await cluster.find('endpoints/web')).toBeUndefined()
})

test('a hundred and fifty Pods stand in two slices, and go with their Service', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply([service(), deployment({ replicas: 150 })])
  await cluster.settle()
  expect((await slices(cluster)).map(slice => slice.endpoints?.length).sort()).toEqual([100, 50])
  await cluster.delete('service/web')
  await cluster.settle()
  expect(await slices(cluster)).toEqual([])
  expect(await cluster.find('endpoints/web')).toBeUndefined()
})

test('Endpoints that people write for a Service without selector are mirrored, and go with them', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } },
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'web' },
      subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 8080 }] }],
    },
  ])
  await cluster.settle()
  expect(await endpoints(cluster)).toEqual([{ addresses: ['192.0.2.1'], conditions: { ready: true } }])
  await cluster.delete('endpoints/web')
  await cluster.settle()
  expect(await slices(cluster)).toEqual([])
})
