import { expect, test } from 'vitest'
import { Pod } from '../../src/api/core-v1/types.ts'
import type { PodDisruptionBudget } from '../../src/api/policy-v1/types.ts'
import { type Cluster, startCluster } from '../../src/testing/testing.ts'
import { deployment } from './workload-manifests.ts'

const budget = (spec: object) => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'web' },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
})
const evict = async (cluster: Cluster, name: string): Promise<void> => {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' } }
  await cluster.client.createSubresource(Pod, { namespace: 'default', name }, { subresource: 'eviction', body })
}

test('a budget counts its Pods and how many of them may go', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply([deployment(), budget({ maxUnavailable: 1 })])
  await cluster.settle()
  expect((await cluster.get<PodDisruptionBudget>('pdb/web')).status).toMatchObject({
    expectedPods: 3,
    desiredHealthy: 2,
    currentHealthy: 3,
    disruptionsAllowed: 1,
    observedGeneration: 1,
  })
})

test('one eviction is allowed, the next only when the first Pod is replaced', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply([deployment(), budget({ minAvailable: 2 })])
  await cluster.settle()
  const [first, second] = await cluster.podNames()
  await evict(cluster, first!)
  await expect(evict(cluster, second!)).rejects.toMatchObject({ reason: 'TooManyRequests' })
  await cluster.settle()
  await evict(cluster, second!)
  await cluster.settle()
  const { status } = await cluster.get<PodDisruptionBudget>('pdb/web')
  expect(status).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 1 })
  expect(status.disruptedPods ?? {}).toEqual({})
})

test('a budget follows the size that its Deployment wants', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply([deployment(), budget({ maxUnavailable: '50%' })])
  await cluster.settle()
  await cluster.scale('deployment/web', 6)
  await cluster.settle()
  expect((await cluster.get<PodDisruptionBudget>('pdb/web')).status).toMatchObject({
    expectedPods: 6,
    desiredHealthy: 3,
  })
})
