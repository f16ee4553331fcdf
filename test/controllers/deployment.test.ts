import { expect, test } from 'vitest'
import { type Deployment, ReplicaSet } from '../../src/api/apps-v1/types.ts'
import { type Cluster, startCluster } from '../../src/testing/testing.ts'
import { deployment, podTemplate } from './workload-manifests.ts'

const replicaSets = async (cluster: Cluster): Promise<readonly ReplicaSet[]> => {
  const { items } = await cluster.client.list(ReplicaSet, { namespace: 'default' })
  return [...items].sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
}
const images = async (cluster: Cluster): Promise<readonly string[]> =>
  (await cluster.pods()).map(({ spec }) => spec.containers[0]!.image!).sort()

test('a Deployment runs its Pods and says that it is complete', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(deployment())
  await cluster.settle()
  const { status } = await cluster.get<Deployment>('deployment/web')
  expect(status).toMatchObject({
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    observedGeneration: 1,
  })
  expect(status.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual(
    expect.arrayContaining([
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
    ]),
  )
  const [set] = await replicaSets(cluster)
  expect(await cluster.events('deployment/web')).toEqual([
    `ScalingReplicaSet Scaled up replica set ${set!.metadata.name} from 0 to 3`,
  ])
})

test('a new image is rolled out within surge and unavailability, and the old ReplicaSet stays for the way back', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(deployment({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }))
  await cluster.settle()
  await cluster.apply(
    deployment({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }, template: podTemplate('nginx:2') }),
  )
  await cluster.waitFor('the second image everywhere', async () => {
    const pods = await cluster.pods()
    const running = pods.filter(({ metadata }) => !metadata.deletionTimestamp)
    expect(running.length).toBeLessThanOrEqual(4)
    const ready = running.filter(({ status }) =>
      status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    )
    expect(ready.length).toBeGreaterThanOrEqual(3)
    return running.length === 3 && running.every(({ spec }) => spec.containers[0]!.image === 'nginx:2')
  })
  await cluster.settle()
  expect(await images(cluster)).toEqual(['nginx:2', 'nginx:2', 'nginx:2'])
  const sets = await replicaSets(cluster)
  expect(
    sets
      .map(({ spec, metadata }) => [spec.replicas, metadata.annotations?.['deployment.kubernetes.io/revision']])
      .sort(),
  ).toEqual([
    [0, '1'],
    [3, '2'],
  ])
})

test('the image before is rolled back to its own ReplicaSet, with a new revision', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  for (const image of ['nginx:1', 'nginx:2', 'nginx:1']) {
    await cluster.apply(deployment({ template: podTemplate(image) }))
    await cluster.settle()
  }
  const sets = await replicaSets(cluster)
  expect(sets).toHaveLength(2)
  const live = sets.find(({ spec }) => spec.replicas === 3)
  expect(live?.metadata.annotations).toMatchObject({
    'deployment.kubernetes.io/revision': '3',
    'deployment.kubernetes.io/revision-history': '1',
  })
})

test('under Recreate no new Pod starts before the last old one is gone', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply(deployment({ strategy: { type: 'Recreate' } }))
  await cluster.settle()
  await cluster.apply(deployment({ strategy: { type: 'Recreate' }, template: podTemplate('nginx:2') }))
  await cluster.waitFor('the second image', async () => {
    const seen = new Set(await images(cluster))
    expect(seen.size).toBeLessThanOrEqual(1)
    return seen.has('nginx:2')
  })
  await cluster.settle()
  expect(await images(cluster)).toEqual(['nginx:2', 'nginx:2', 'nginx:2'])
})

test('a paused Deployment scales and does not roll out; resumed, it goes on', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply(deployment())
  await cluster.settle()
  await cluster.apply(deployment({ paused: true, replicas: 5, template: podTemplate('nginx:2') }))
  await cluster.settle()
  expect(await images(cluster)).toEqual(Array.from({ length: 5 }, () => 'nginx:1'))
  await cluster.patch('deployment/web', { spec: { paused: false } })
  await cluster.settle()
  expect(await images(cluster)).toEqual(Array.from({ length: 5 }, () => 'nginx:2'))
})

test('history keeps as many old ReplicaSets as asked', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  for (const image of ['a', 'b', 'c', 'd']) {
    await cluster.apply(deployment({ revisionHistoryLimit: 1, template: podTemplate(image) }))
    await cluster.settle()
  }
  expect(await replicaSets(cluster)).toHaveLength(2)
})

test('a Deployment that cannot go on says so after its deadline', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  await cluster.apply(deployment({ progressDeadlineSeconds: 60 }))
  await cluster.advance('2m')
  const { status } = await cluster.get<Deployment>('deployment/web')
  expect(status.conditions?.find(({ type }) => type === 'Progressing')).toMatchObject({
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
  })
})

test('deleting a Deployment takes its ReplicaSets and Pods along', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply(deployment())
  await cluster.settle()
  await cluster.delete('deployment/web')
  await cluster.settle()
  expect(await cluster.podNames()).toEqual([])
  expect(await replicaSets(cluster)).toEqual([])
})

test('a Pod that loses its labels is released and replaced, and is adopted when it gets them back', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply(deployment({ replicas: 1 }))
  await cluster.settle()
  const [pod] = await cluster.pods()
  const { name, labels } = pod!.metadata
  await cluster.patch(`pod/${name}`, { metadata: { labels: { app: null } } })
  await cluster.settle()
  expect(await cluster.podNames()).toHaveLength(2)
  expect((await cluster.pods()).find(({ metadata }) => metadata.name === name)?.metadata.ownerReferences ?? []).toEqual(
    [],
  )
  await cluster.patch(`pod/${name}`, { metadata: { labels: { ...labels } } })
  await cluster.settle()
  expect(await cluster.podNames()).toHaveLength(1)
})
