import { expect, test } from 'vitest'
import { ConfigMap } from '../../src/api/core-v1/types.ts'
import type { ObjectMeta, OwnerReference } from '../../src/api/meta-v1/types.ts'
import type { Cluster } from '../../src/testing/testing.ts'
import { startCluster } from '../../src/testing/testing.ts'

const ownedBy = (owner: ConfigMap, more: Partial<OwnerReference> = {}): OwnerReference => {
  const { name, uid } = owner.metadata
  return { apiVersion: 'v1', kind: 'ConfigMap', name, uid, ...more }
}
const make = (cluster: Cluster, name: string, metadata: ObjectMeta = {}): Promise<ConfigMap> =>
  cluster.client.create(ConfigMap, { metadata: { name, namespace: 'default', ...metadata } })
const names = async (cluster: Cluster): Promise<readonly string[]> => {
  const { items } = await cluster.client.list(ConfigMap, { namespace: 'default' })
  return items.flatMap(({ metadata }) => (metadata.name === 'kube-root-ca.crt' ? [] : [metadata.name])).sort()
}

test('what an owner leaves behind goes with it, down to the last descendant', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const parent = await make(cluster, 'parent')
  const child = await make(cluster, 'child', { ownerReferences: [ownedBy(parent)] })
  await make(cluster, 'grandchild', { ownerReferences: [ownedBy(child)] })
  await make(cluster, 'stranger')
  await cluster.delete('configmap/parent')
  await cluster.settle()
  expect(await names(cluster)).toEqual(['stranger'])
})

test('a child with another owner only loses the reference', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const [first, second] = [await make(cluster, 'first'), await make(cluster, 'second')]
  await make(cluster, 'child', { ownerReferences: [ownedBy(first), ownedBy(second)] })
  await cluster.delete('configmap/first')
  await cluster.settle()
  const child = await cluster.get<ConfigMap>('configmap/child')
  expect(child.metadata.ownerReferences).toEqual([ownedBy(second)])
})

test('a child of an owner that never was goes', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const parent = await make(cluster, 'parent')
  await make(cluster, 'by-uid', { ownerReferences: [ownedBy(parent, { uid: 'another' })] })
  await make(cluster, 'by-name', { ownerReferences: [ownedBy(parent, { name: 'another' })] })
  await cluster.settle()
  expect(await names(cluster)).toEqual(['parent'])
})

test('an orphaning deletion leaves the children without the reference', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const parent = await make(cluster, 'parent')
  await make(cluster, 'child', { ownerReferences: [ownedBy(parent)] })
  await cluster.delete('configmap/parent', { propagationPolicy: 'Orphan' })
  await cluster.settle()
  expect(await names(cluster)).toEqual(['child'])
  expect((await cluster.get<ConfigMap>('configmap/child')).metadata.ownerReferences ?? []).toEqual([])
})

test('a foreground deletion waits for the children that block it', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const parent = await make(cluster, 'parent')
  const reference = ownedBy(parent, { blockOwnerDeletion: true })
  await make(cluster, 'child', { ownerReferences: [reference], finalizers: ['example.com/hold'] })
  await cluster.delete('configmap/parent', { propagationPolicy: 'Foreground' })
  await cluster.settle()
  expect((await cluster.get<ConfigMap>('configmap/parent')).metadata.finalizers).toEqual(['foregroundDeletion'])
  expect((await cluster.get<ConfigMap>('configmap/child')).metadata.deletionTimestamp).toBeDefined()
  await cluster.patch('configmap/child', { metadata: { $patch: 'merge', finalizers: null } })
  await cluster.settle()
  expect(await names(cluster)).toEqual([])
})

test('a foreground deletion goes down the whole tree before its root', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const parent = await make(cluster, 'parent')
  const child = await make(cluster, 'child', { ownerReferences: [ownedBy(parent, { blockOwnerDeletion: true })] })
  await make(cluster, 'grandchild', { ownerReferences: [ownedBy(child, { blockOwnerDeletion: true })] })
  await cluster.delete('configmap/parent', { propagationPolicy: 'Foreground' })
  await cluster.settle()
  expect(await names(cluster)).toEqual([])
})

test('a circle of owners goes as a whole, in the background and in the foreground', async () => {
  for (const propagationPolicy of ['Background', 'Foreground'] as const) {
    await using cluster = await startCluster({ nodes: 0 })
    const first = await make(cluster, 'first')
    const second = await make(cluster, 'second', { ownerReferences: [ownedBy(first, { blockOwnerDeletion: true })] })
    const ownerReferences = [ownedBy(second, { blockOwnerDeletion: true })]
    await cluster.client.update(ConfigMap, { ...first, metadata: { ...first.metadata, ownerReferences } })
    await cluster.settle()
    await cluster.delete('configmap/first', { propagationPolicy })
    await cluster.settle()
    expect(await names(cluster)).toEqual([])
  }
})
