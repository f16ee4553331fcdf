import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import { anyImage, imagesNamed, startCluster, statefulSet } from '../../src/testing/testing.ts' // In your project: 'holdfast/testing'

test('a set comes up in order', async () => {
  await using cluster = await startCluster({ nodes: 3 })
  await cluster.apply(statefulSet('db', { replicas: 3, claims: ['data'] }))
  await cluster.settle()
  expect(await cluster.podNames()).toEqual(['db-0', 'db-1', 'db-2'])
})

const images = imagesNamed(
  {
    slow: { readyMs: 30_000 },
    stubborn: { ignoresStopSignal: true },
    crashing: { exitsAfterMs: 500, exitCode: 3, onStart: process => process.print('no quorum') },
    sick: { answer: () => ({ status: 500, body: 'no quorum' }) },
    absent: { pullError: 'pull access denied' },
  },
  anyImage,
)

test('a Pod that is slow to be ready holds up the next one', async () => {
  await using cluster = await startCluster({ images })
  const container = { readinessProbe: { httpGet: { path: '/', port: 80 } } }
  await cluster.apply(statefulSet('db', { replicas: 2, image: 'slow', container }))
  await cluster.advance('20s')
  expect(await cluster.podNames()).toEqual(['db-0'])
  await cluster.advance('30s')
  expect(await cluster.podNames()).toEqual(['db-0', 'db-1'])
})

test('a set says why it waits', async () => {
  await using cluster = await startCluster({ images })
  await cluster.apply(statefulSet('db', { replicas: 1, image: 'absent' }))
  await cluster.advance('2m')
  const waiting = cluster.waitFor('db-0', async () => (await cluster.pods())[0]?.status.phase === 'Running')
  await expect(waiting).rejects.toThrow(/waited in vain for db-0; seen instead:\n(.|\n)*pull access denied/)
})

test('any client can be tested against it', async () => {
  await using cluster = await startCluster({ images })
  const { kubeconfig } = await cluster.serve()
  await cluster.apply(statefulSet('db', { replicas: 1, image: 'crashing' }))
  await cluster.waitFor('a line', async () => (await cluster.pods())[0]?.status.containerStatuses?.[0]?.restartCount)
  const config = new KubeConfig()
  config.loadFromString(kubeconfig)
  const core = config.makeApiClient(CoreV1Api)
  expect(await core.readNamespacedPodLog({ name: 'db-0', namespace: 'default', previous: true })).toBe('no quorum\n')
})

test('the same seed gives the same history', async () => {
  const digestOf = async (seed: number): Promise<string> => {
    await using cluster = await startCluster({ nodes: 3, seed })
    await cluster.apply(statefulSet('db', { replicas: 3 }))
    await cluster.settle()
    return cluster.historyDigest()
  }
  const [first, second, other] = await Promise.all([digestOf(7), digestOf(7), digestOf(8)]) // Side by side.
  expect(second).toBe(first)
  expect(other).not.toBe(first)
})
