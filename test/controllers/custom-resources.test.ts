import { expect, test } from 'vitest'
import { ConfigMap } from '../../src/api/core-v1/types.ts'
import { type Cluster, startCluster } from '../../src/testing/testing.ts'

const define = async (cluster: Cluster): Promise<void> => {
  await cluster.apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  })
  await cluster.settle()
}

/** A widget that owns a ConfigMap. */
async function family(cluster: Cluster): Promise<void> {
  await cluster.apply({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'parent' } })
  const { metadata } = await cluster.get('widget/parent')
  const reference = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'parent', uid: metadata.uid }
  await cluster.client.create(ConfigMap, {
    metadata: { name: 'child', namespace: 'default', ownerReferences: [reference] },
  })
  await cluster.settle()
  expect(await cluster.find('configmap/child')).toBeDefined()
}

test('custom resources are owned, own and are collected like all others', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  await define(cluster)
  await family(cluster)
  await cluster.delete('widget/parent')
  await cluster.settle()
  expect(await cluster.find('configmap/child')).toBeUndefined()
})

test('with its definition a kind goes, and with it what its objects owned; it may come again', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  for (let life = 1; life <= 2; life++) {
    await define(cluster)
    await family(cluster)
    await cluster.delete('customresourcedefinition/widgets.example.com')
    await cluster.settle()
    expect(await cluster.find('configmap/child')).toBeUndefined()
  }
})
