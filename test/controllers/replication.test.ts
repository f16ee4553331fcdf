import { expect, test } from 'vitest'
import type { ReplicaSet } from '../../src/api/apps-v1/types.ts'
import type { ReplicationController } from '../../src/api/core-v1/types.ts'
import { startCluster } from '../../src/testing/testing.ts'
import { podTemplate } from './workload-manifests.ts'

test('a ReplicationController keeps its Pods like a ReplicaSet', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'web' },
    spec: { replicas: 2, selector: { app: 'web' }, template: podTemplate() },
  })
  await cluster.settle()
  await cluster.delete(`pod/${(await cluster.podNames())[0]}`)
  await cluster.settle()
  expect(await cluster.podNames()).toHaveLength(2)
  const { status } = await cluster.get<ReplicationController>('replicationcontroller/web')
  expect(status).toMatchObject({ replicas: 2, readyReplicas: 2, availableReplicas: 2, fullyLabeledReplicas: 2 })
})

test('Pods count as available after minReadySeconds, without anything else happening', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web' },
    spec: { replicas: 2, minReadySeconds: 30, selector: { matchLabels: { app: 'web' } }, template: podTemplate() },
  })
  await cluster.advance('20s')
  expect((await cluster.get<ReplicaSet>('replicaset/web')).status).toMatchObject({ readyReplicas: 2 })
  expect((await cluster.get<ReplicaSet>('replicaset/web')).status.availableReplicas ?? 0).toBe(0)
  await cluster.advance('20s')
  expect((await cluster.get<ReplicaSet>('replicaset/web')).status).toMatchObject({ availableReplicas: 2 })
})
