import { expect, test } from 'vitest'
import { Node, type Pod } from '../../src/api/core-v1/types.ts'
import { type Cluster, startCluster } from '../../src/testing/testing.ts'
import { deployment, podTemplate } from './workload-manifests.ts'

const taintsOf = async (cluster: Cluster, name: string): Promise<readonly string[]> => {
  const { spec } = await cluster.get<Node>(`node/${name}`)
  return (spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort()
}
const readinessOf = async (cluster: Cluster, name: string): Promise<string | undefined> => {
  const { status } = await cluster.get<Node>(`node/${name}`)
  return status.conditions?.find(({ type }) => type === 'Ready')?.status
}
const isTerminating = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined
const isReady = ({ status }: Pod): boolean => status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
const onNode = async (cluster: Cluster, name: string): Promise<readonly Pod[]> =>
  (await cluster.pods()).filter(({ spec }) => spec.nodeName === name)

const NAMES = ['node-1', 'node-2', 'node-3']

/** What admission gives to every Pod that says nothing else. */
const tolerations = ['not-ready', 'unreachable'].map(key => ({
  key: `node.kubernetes.io/${key}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}))
const web = (replicas: number) => deployment({ replicas, template: podTemplate('nginx:1', { tolerations }) })

const UNREACHABLE = ['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule']

test('N1: a machine that is silent for 50 seconds is unknown and tainted, and its Pods are not ready', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(web(4))
  await cluster.settle()
  cluster.node('node-2').cut()
  await cluster.advance('39s')
  expect(await readinessOf(cluster, 'node-2')).toBe('True')
  await cluster.advance('12s')
  expect(await readinessOf(cluster, 'node-2')).toBe('Unknown')
  expect(await taintsOf(cluster, 'node-2')).toEqual(UNREACHABLE)
  expect(await taintsOf(cluster, 'node-1')).toEqual([])
  expect((await onNode(cluster, 'node-2')).some(isReady)).toBe(false)
  expect((await onNode(cluster, 'node-1')).every(isReady)).toBe(true)
})

test('N2, N3: after five minutes its Pods are told to go, and stay until it answers', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(web(4))
  await cluster.settle()
  cluster.node('node-2').cut()
  await cluster.advance('5m')
  expect((await onNode(cluster, 'node-2')).some(isTerminating)).toBe(false)
  await cluster.advance('1m')
  const [pod, ...others] = await onNode(cluster, 'node-2')
  expect([pod!, ...others].every(isTerminating)).toBe(true)
  expect(pod?.status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
  })
  const events = await cluster.events(`pod/${pod!.metadata.name}`)
  expect(events).toContain(`TaintManagerEviction Marking for deletion Pod default/${pod!.metadata.name}`)
  expect((await onNode(cluster, 'node-1')).filter(isReady)).toHaveLength(4)
  await cluster.advance('10m')
  expect(await onNode(cluster, 'node-2')).not.toEqual([])
  cluster.node('node-2').heal()
  await cluster.settle()
  expect(await onNode(cluster, 'node-2')).toEqual([])
  expect(await taintsOf(cluster, 'node-2')).toEqual([])
})

test('N2: a machine that is back in time keeps its Pods', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(web(4))
  await cluster.settle()
  const before = await cluster.podNames()
  cluster.node('node-2').cut()
  await cluster.advance('3m')
  cluster.node('node-2').heal()
  await cluster.settle()
  await cluster.advance('10m')
  expect(await cluster.podNames()).toEqual(before)
  expect((await cluster.pods()).every(isReady)).toBe(true)
  const [pod] = await onNode(cluster, 'node-2')
  const events = await cluster.events(`pod/${pod!.metadata.name}`)
  expect(events).toContain(`TaintManagerEviction Cancelling deletion of Pod default/${pod!.metadata.name}`)
})

test('N4: Pods of a machine whose Node is deleted are removed after a while', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(web(4))
  await cluster.settle()
  await cluster.node('node-2').crash()
  await cluster.delete('node/node-2')
  await cluster.settle()
  expect(await onNode(cluster, 'node-2')).toEqual([])
  expect((await onNode(cluster, 'node-1')).filter(isReady)).toHaveLength(4)
})

test('N4: the out-of-service taint lets go the Pods of a machine that is off', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(web(4))
  await cluster.settle()
  await cluster.node('node-2').crash()
  await cluster.advance('7m')
  expect((await onNode(cluster, 'node-2')).every(isTerminating)).toBe(true)
  const { spec, metadata } = await cluster.get<Node>('node/node-2')
  const taint = { key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' as const }
  await cluster.client.patch(
    Node,
    { name: 'node-2' },
    {
      type: 'merge',
      body: {
        metadata: { resourceVersion: metadata.resourceVersion },
        spec: { taints: [...(spec.taints ?? []), taint] as never },
      },
    },
  )
  await cluster.settle()
  expect(await onNode(cluster, 'node-2')).toEqual([])
})

test('when every machine falls silent at once nobody is driven off', async () => {
  await using cluster = await startCluster({ nodes: 3 })
  await cluster.apply(web(3))
  await cluster.settle()
  const before = await cluster.podNames()
  for (const name of NAMES) cluster.node(name).cut()
  await cluster.advance('20m')
  for (const name of NAMES) {
    expect(await taintsOf(cluster, name)).toEqual(['node.kubernetes.io/unreachable:NoSchedule'])
  }
  expect((await cluster.pods()).some(isTerminating)).toBe(false)
  for (const name of NAMES) cluster.node(name).heal()
  await cluster.settle()
  expect(await cluster.podNames()).toEqual(before)
  expect((await cluster.pods()).every(isReady)).toBe(true)
})

test('every machine has its own Pod range', async () => {
  await using cluster = await startCluster({ nodes: 3 })
  await cluster.settle()
  const ranges = (await cluster.client.list(Node)).items.map(({ spec }) => spec.podCIDR).sort()
  expect(ranges).toEqual(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24'])
})
