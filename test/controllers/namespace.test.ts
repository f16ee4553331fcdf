import { expect, test } from 'vitest'
import { ConfigMap, Namespace, Pod } from '../../src/api/core-v1/types.ts'
import type { ObjectMeta } from '../../src/api/meta-v1/types.ts'
import type { Cluster } from '../../src/testing/testing.ts'
import { startCluster } from '../../src/testing/testing.ts'

const make = (cluster: Cluster, name: string, metadata: ObjectMeta = {}): Promise<ConfigMap> =>
  cluster.client.create(ConfigMap, { metadata: { name, namespace: 'demo', ...metadata } })

test('a namespace goes when its content is gone, and says what holds it until then', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  await cluster.client.create(Namespace, { metadata: { name: 'demo' }, spec: {} })
  await cluster.settle()
  await make(cluster, 'plain')
  await make(cluster, 'held', { finalizers: ['example.com/hold'] })
  await cluster.delete('namespace/demo')
  await cluster.advance('5s')
  const { status } = await cluster.get<Namespace>('namespace/demo')
  const messages = status.conditions?.filter(condition => condition.status === 'True').map(({ message }) => message)
  expect(messages).toEqual([
    'Some resources are remaining: configmaps. has 1 resource instances',
    'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
  ])
  const held = await cluster.client.get(ConfigMap, { namespace: 'demo', name: 'held' })
  await cluster.client.update(ConfigMap, { ...held, metadata: { ...held.metadata, finalizers: [] } })
  await cluster.settle()
  expect(await cluster.find('namespace/demo')).toBeUndefined()
})

test('every namespace has a default service account, and gets it back', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  await cluster.client.create(Namespace, { metadata: { name: 'demo' }, spec: {} })
  await cluster.settle()
  expect(await cluster.find('serviceaccount/default', 'demo')).toBeDefined()
  await cluster.delete('serviceaccount/default', { namespace: 'demo' })
  await cluster.settle()
  expect(await cluster.find('serviceaccount/default', 'demo')).toBeDefined()
})

test('counting what is left in a namespace does not make it look again', async () => {
  // Given many objects that are held
  await using cluster = await startCluster({ nodes: 0 })
  await cluster.client.create(Namespace, { metadata: { name: 'demo' }, spec: {} })
  await cluster.settle()
  const names = Array.from({ length: 200 }, (_, index) => `held-${index}`)
  for (const name of names) {
    const metadata = { name, namespace: 'demo', finalizers: ['example.com/hold'] }
    await cluster.client.create(Pod, { metadata, spec: { containers: [{ name: 'main', image: 'app' }] } })
  }
  const versions = new Set<string>()
  const stop = new AbortController()
  const watch = cluster.client.watch(Namespace, { fieldSelector: 'metadata.name=demo', signal: stop.signal })
  void (async () => {
    for await (const { object } of watch) versions.add(object.metadata.resourceVersion)
  })()
  await cluster.settle()
  versions.clear()
  // When they go one by one while it is being emptied
  const body = { metadata: { finalizers: null } }
  const release = (name: string) => cluster.client.patch(Pod, { namespace: 'demo', name }, { type: 'merge', body })
  await cluster.delete('namespace/demo')
  for (const name of names.slice(1)) await release(name)
  // Then
  expect(versions.size).toBeLessThan(5) // Deleted, and looked at once or twice.
  await cluster.advance('1m')
  const { status } = await cluster.get<Namespace>('namespace/demo')
  expect(status.conditions?.find(({ type }) => type === 'NamespaceContentRemaining')?.message).toContain(
    'pods. has 1 resource instances',
  )
  await release(names[0]!)
  await cluster.settle()
  stop.abort()
  expect(await cluster.find('namespace/demo')).toBeUndefined()
})
