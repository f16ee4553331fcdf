import { expect, test } from 'vitest'
import { ControllerRevision, type DaemonSet } from '../../src/api/apps-v1/types.ts'
import { Node } from '../../src/api/core-v1/types.ts'
import { type Cluster, startCluster } from '../../src/testing/testing.ts'
import { daemonSet, podTemplate } from './workload-manifests.ts'

const nodesOfPods = async (cluster: Cluster): Promise<readonly (string | undefined)[]> =>
  (await cluster.pods()).map(({ spec }) => spec.nodeName).sort()
const images = async (cluster: Cluster): Promise<readonly string[]> =>
  (await cluster.pods()).map(({ spec }) => spec.containers[0]!.image!).sort()
const taint = async (cluster: Cluster, name: string, taints: Node['spec']['taints']): Promise<void> => {
  await cluster.client.patch(Node, { name }, { type: 'merge', body: { spec: { taints: (taints ?? null) as never } } })
}

test('every machine without a taint has one Pod, and the status counts them', async () => {
  await using cluster = await startCluster({ nodes: 3 })
  await taint(cluster, 'node-1', [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }])
  await cluster.apply(daemonSet())
  await cluster.settle()
  expect(await nodesOfPods(cluster)).toEqual(['node-2', 'node-3'])
  expect((await cluster.get<DaemonSet>('daemonset/agent')).status).toMatchObject({
    desiredNumberScheduled: 2,
    currentNumberScheduled: 2,
    numberReady: 2,
    numberAvailable: 2,
    updatedNumberScheduled: 2,
    numberMisscheduled: 0,
    observedGeneration: 1,
  })
})

test('cordoning changes nothing; a taint that drives off does, and its end brings the Pod back', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(daemonSet())
  await cluster.settle()
  const before = await cluster.podNames()
  await cluster.client.patch(Node, { name: 'node-1' }, { type: 'merge', body: { spec: { unschedulable: true } } })
  await cluster.settle()
  expect(await cluster.podNames()).toEqual(before)
  await taint(cluster, 'node-2', [{ key: 'maintenance', effect: 'NoExecute' }])
  await cluster.settle()
  expect(await nodesOfPods(cluster)).toEqual(['node-1'])
  await taint(cluster, 'node-2', undefined)
  await cluster.settle()
  expect(await nodesOfPods(cluster)).toEqual(['node-1', 'node-2'])
})

test('a new template is rolled out one machine at a time, and its revision kept', async () => {
  await using cluster = await startCluster({ nodes: 3 })
  await cluster.apply(daemonSet())
  await cluster.settle()
  await cluster.apply(daemonSet({ template: podTemplate('nginx:2') }))
  await cluster.waitFor('the second image everywhere', async () => {
    const pods = await cluster.pods()
    const ready = pods.filter(({ status }) =>
      status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    )
    expect(ready.length).toBeGreaterThanOrEqual(2)
    return pods.length === 3 && pods.every(({ spec }) => spec.containers[0]!.image === 'nginx:2')
  })
  await cluster.settle()
  const { items } = await cluster.client.list(ControllerRevision, { namespace: 'default' })
  expect(items.map(({ revision }) => revision).sort()).toEqual([1, 2])
  const hash = items.find(({ revision }) => revision === 2)!.metadata.name.slice('agent-'.length)
  expect((await cluster.pods()).map(({ metadata }) => metadata.labels?.['controller-revision-hash'])).toEqual([
    hash,
    hash,
    hash,
  ])
})

test('with a surge every machine has a ready Pod all the time', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  await cluster.apply(daemonSet({ updateStrategy }))
  await cluster.settle()
  await cluster.apply(daemonSet({ updateStrategy, template: podTemplate('nginx:2') }))
  await cluster.waitFor('the second image everywhere', async () => {
    const pods = await cluster.pods()
    const ready = pods.filter(
      ({ metadata, status }) =>
        !metadata.deletionTimestamp &&
        status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    )
    expect(new Set(ready.map(({ spec }) => spec.nodeName)).size).toBe(2)
    return pods.length === 2 && pods.every(({ spec }) => spec.containers[0]!.image === 'nginx:2')
  })
})

test('under OnDelete a Pod is new once it was deleted', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  const updateStrategy = { type: 'OnDelete' }
  await cluster.apply(daemonSet({ updateStrategy }))
  await cluster.settle()
  await cluster.apply(daemonSet({ updateStrategy, template: podTemplate('nginx:2') }))
  await cluster.settle()
  expect(await images(cluster)).toEqual(['nginx:1', 'nginx:1'])
  await cluster.delete(`pod/${(await cluster.podNames())[0]}`)
  await cluster.settle()
  expect(await images(cluster)).toEqual(['nginx:1', 'nginx:2'])
})

test('deleting the set takes its Pods along', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(daemonSet())
  await cluster.settle()
  await cluster.delete('daemonset/agent')
  await cluster.settle()
  expect(await cluster.podNames()).toEqual([])
})
