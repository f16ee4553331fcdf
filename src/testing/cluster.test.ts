import { expect, test } from 'vitest'
import type { StatefulSet } from '../api/apps-v1/types.ts'
import { type ConfigMap, type PersistentVolumeClaim, Pod } from '../api/core-v1/types.ts'
import { apiClient } from '../client/api-client.ts'
import { HttpsTransport } from '../client/https-transport.ts'
import { connectionOf, parseKubeconfig } from '../client/kubeconfig.ts'
import { type Cluster, imagesNamed, startCluster, statefulSet } from './testing.ts'

const set = statefulSet('web', { replicas: 2, claims: ['data'] })
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 80, name: 'http' }] },
}

test('a set with claims runs on machines of the simulation without further ado', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(set)
  await cluster.settle()
  expect((await cluster.get<StatefulSet>('statefulset/web')).status.readyReplicas).toBe(2)
  const claim = await cluster.get<PersistentVolumeClaim>('persistentvolumeclaim/data-web-0')
  expect(claim.status.phase).toBe('Bound')
  expect(claim.spec.storageClassName).toBe('standard')
})

test('I6: names of Pods answer with their addresses, and not any more when they are gone', async () => {
  await using cluster = await startCluster()
  await cluster.apply([service, set])
  await cluster.settle()
  const addresses = (await cluster.pods()).map(({ status }) => status.podIP)
  expect(await cluster.resolve('web.default')).toEqual([...addresses].sort())
  expect(await cluster.resolve('web-0.web.default.svc.cluster.local')).toEqual([addresses[0]])
  await cluster.scale('statefulset/web', 1)
  await cluster.settle()
  expect(await cluster.resolve('web-1.web.default')).toEqual([])
})

test('what is applied twice is merged, and what is left out the second time is gone', async () => {
  await using cluster = await startCluster()
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' } }
  await cluster.apply({ ...map, data: { a: '1', b: '2' } })
  await cluster.apply({ ...map, data: { a: '3' } })
  expect((await cluster.get<ConfigMap>('configmap/settings')).data).toEqual({ a: '3' })
})

test('the rules of a real server hold: a machine may not touch what is not its own', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  expect(await cluster.find('clusterrole/cluster-admin')).toBeDefined()
  expect(await cluster.find('serviceaccount/default')).toBeDefined()
  await cluster.apply(statefulSet('web', { replicas: 1 }))
  await cluster.settle()
  const [pod] = await cluster.pods()
  expect(pod!.spec.serviceAccountName).toBe('default')
  expect(pod!.spec.volumes?.[0]?.name).toMatch(/^kube-api-access-/)
})

const digestOf = async (seed: number): Promise<string> => {
  await using cluster = await startCluster({ nodes: 3, seed })
  await cluster.apply([service, set])
  await cluster.settle()
  await cluster.node('node-1').crash()
  await cluster.advance('3m')
  cluster.node('node-1').start()
  await cluster.settle()
  return cluster.historyDigest()
}

test('the same seed gives the same history, byte for byte, also when clusters run side by side', async () => {
  const [first, second, other] = await Promise.all([digestOf(7), digestOf(7), digestOf(8)])
  expect(second).toBe(first)
  expect(other).not.toBe(first)
  expect(await digestOf(7)).toBe(first)
})

test('leader and server can be lost at any time, and the set goes on', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(statefulSet('web', { replicas: 3 }))
  await cluster.advance(700)
  cluster.restartControllers()
  await cluster.advance(300)
  await cluster.restartServer()
  await cluster.settle()
  expect(await cluster.podNames()).toEqual(['web-0', 'web-1', 'web-2'])
})

test('waiting in vain says what was seen instead', async () => {
  await using cluster = await startCluster()
  await cluster.apply(statefulSet('web', { replicas: 1, pod: { nodeSelector: { disk: 'fast' } } }))
  const waiting = cluster.waitFor('web-0 to run', async () => (await cluster.pods())[0]?.status.phase === 'Running')
  await expect(waiting).rejects.toThrow(
    /waited in vain for web-0 to run; seen instead:\nstatefulset web 0 of 1 ready: Pod web-0 cannot be scheduled(.|\n)*web-0 Pending not ready node=-(.|\n)*FailedScheduling/,
  )
})

test('a world that does not come to rest says what it did last, and what is seen', async () => {
  const images = imagesNamed({ restless: { exitsAfterMs: 100, exitCode: 7 } })
  await using cluster = await startCluster({ images })
  await cluster.apply(statefulSet('web', { replicas: 1, image: 'restless' }))
  const settling = cluster.settle({ quietMs: 600_000 })
  await expect(settling).rejects.toThrow(
    /not settled after .*written last: .*web-0(.|\n)*seen:\nstatefulset web 0 of 1 ready(.|\n)*web-0 Running not ready node=node-1 main CrashLoopBackOff/,
  )
})

test('a full disk is told, and the Pod starts when there is room again', async () => {
  await using cluster = await startCluster()
  cluster.node('node-1').fillDisk()
  await cluster.advance('1m')
  await cluster.apply(statefulSet('web', { replicas: 1 }))
  await cluster.advance('2m')
  expect((await cluster.pods())[0]?.status.phase).not.toBe('Running')
  cluster.node('node-1').emptyDisk()
  await cluster.advance('5m') // The kubelet lets that much pass before it believes.
  await cluster.waitFor('web-0 to run', () => isRunning(cluster, 'web-0'))
})

const isRunning = async (cluster: Cluster, name: string): Promise<boolean> =>
  (await cluster.pods()).some(({ metadata, status }) => metadata.name === name && status.phase === 'Running')

test('served over HTTPS, the cluster is there for other programs, and time passes by itself', async () => {
  await using cluster = await startCluster()
  const { kubeconfig } = await cluster.serve({ speed: 100 })
  await using transport = new HttpsTransport(connectionOf(parseKubeconfig(kubeconfig), { readFile: String }))
  const client = apiClient(transport)
  await client.create(Pod, {
    metadata: { name: 'a', namespace: 'default' },
    spec: { containers: [{ name: 'a', image: 'a' }] },
  })
  const stop = new AbortController()
  for await (const { object } of client.watch(Pod, { namespace: 'default', signal: stop.signal })) {
    if (object.status?.phase === 'Running') stop.abort()
  }
  expect(await isRunning(cluster, 'a')).toBe(true)
})
