import { expect, test } from 'vitest'
import type { StatefulSet } from '../../src/api/apps-v1/types.ts'
import { imagesNamed } from '../../src/fakes/machine/fake-image.ts'
import type { Cluster } from '../../src/testing/testing.ts'
import { startCluster } from '../../src/testing/testing.ts'

const images = imagesNamed({
  good: { readyMs: 1000 },
  absent: { pullError: 'pull access denied, repository does not exist' },
  crashing: {
    exitsAfterMs: 500,
    exitCode: 3,
    onStart: process => process.print('cannot open /data: read-only file system'),
  },
  sick: { answer: () => ({ status: 500, body: 'no quorum' }) },
})

const setOf = (image: string, spec: object = {}, container: object = {}, pod: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    serviceName: 'nginx',
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'main', image, ...container }], ...pod },
    },
    ...spec,
  },
})

async function progressing(cluster: Cluster): Promise<string> {
  const { status } = await cluster.get<StatefulSet>('statefulset/web')
  const { status: value, reason, message } = status.conditions?.find(({ type }) => type === 'Progressing') ?? {}
  return `${value} ${reason}: ${message}`
}

const warningsOf = async (cluster: Cluster): Promise<readonly string[]> =>
  (await cluster.events('statefulset/web')).filter(event => !event.startsWith('Successful'))

test('X1, X13: on simulated machines a set comes up in order, shrinks in order, and says that it has arrived', async () => {
  await using cluster = await startCluster({ nodes: 2, images })
  await cluster.apply(setOf('good', { replicas: 3 }))
  await cluster.settle()
  expect(await cluster.podNames()).toEqual(['web-0', 'web-1', 'web-2'])
  expect(await progressing(cluster)).toMatch(/^True Complete: All 3 Pods are available/)
  await cluster.scale('statefulset/web', 1)
  await cluster.settle()
  expect(await cluster.podNames()).toEqual(['web-0'])
  expect(await cluster.events('statefulset/web')).toEqual([
    ...[0, 1, 2].map(ordinal => `SuccessfulCreate create Pod web-${ordinal} in StatefulSet web successful`),
    ...[2, 1].map(ordinal => `SuccessfulDelete delete Pod web-${ordinal} in StatefulSet web successful`),
  ])
})

test('B1, stumbling block 5: an image that cannot be pulled is told in the words of the registry, and released as said', async () => {
  await using cluster = await startCluster({ images })
  await cluster.apply(setOf('good'))
  await cluster.settle()
  await cluster.apply(setOf('absent'))
  await cluster.advance('5m')
  expect(await progressing(cluster)).toMatch(
    /^False ImageNotPulled: Pod web-1 container main cannot pull image "absent": .*pull access denied, repository does not exist/,
  )
  expect(await warningsOf(cluster)).toHaveLength(1)
  await cluster.apply(setOf('good'))
  await cluster.advance('5m')
  expect(await progressing(cluster)).toContain('Released by "kubectl delete pod web-1 -n default"')
  await cluster.delete('pod/web-1')
  await cluster.advance('2m')
  expect(await progressing(cluster)).toMatch(/^True Complete/)
})

test('a crash loop is told with the exit code and the last line of the log', async () => {
  await using cluster = await startCluster({ images })
  await cluster.apply(setOf('crashing', {}, { terminationMessagePolicy: 'FallbackToLogsOnError' }))
  await cluster.advance('10m')
  expect(await progressing(cluster)).toMatch(
    /^False CrashLooping: Pod web-0 container main exits with code 3 again and again, last saying "cannot open \/data: read-only file system"/,
  )
  expect((await warningsOf(cluster)).length).toBeLessThanOrEqual(2)
})

test('a crash loop is told with the last line of the log also when the container asks for no fallback, once', async () => {
  await using cluster = await startCluster({ images })
  await cluster.apply(setOf('crashing'))
  await cluster.advance('10m')
  expect(await progressing(cluster)).toMatch(
    /^False CrashLooping: Pod web-0 container main exits with code 3 again and again, last saying "cannot open \/data: read-only file system"/,
  )
  const [pod] = await cluster.pods()
  expect(pod!.status.containerStatuses![0]!.lastState!.terminated!.message).toBeUndefined()
  expect(await cluster.events('pod/web-0')).toContain(
    'ContainerFailed Container main ended with exit code 3; the last line of its log: cannot open /data: read-only file system',
  )
  expect((await warningsOf(cluster)).length).toBeLessThanOrEqual(2)
})

test('a failing probe is told with its answer, once the container has had time to start', async () => {
  await using cluster = await startCluster({ images })
  const readinessProbe = { httpGet: { path: '/health', port: 80 }, periodSeconds: 1 }
  await cluster.apply(setOf('sick', {}, { readinessProbe }))
  await cluster.advance('5s')
  expect(await progressing(cluster)).toMatch(/^True PodStarting: Pod web-0 /)
  expect(await warningsOf(cluster)).toEqual([])
  await cluster.advance('1m')
  expect(await progressing(cluster)).toMatch(
    /^False ProbeFailing: Pod web-0 container main runs, but is not ready: Readiness probe failed: HTTP probe failed with statuscode: 500/,
  )
  expect(await warningsOf(cluster)).toHaveLength(1)
})

test('a Pod that fits no machine is told in the words of the scheduler', async () => {
  await using cluster = await startCluster({ nodes: 2, images })
  await cluster.apply(setOf('good', {}, {}, { nodeSelector: { disk: 'fast' } }))
  await cluster.advance('1m')
  expect(await progressing(cluster)).toMatch(
    /^False Unschedulable: Pod web-0 cannot be scheduled: 0\/2 nodes are available/,
  )
})

test('stumbling block 1, #19942: a claim that nothing can bind is told with its class and what is missing', async () => {
  await using cluster = await startCluster({ images })
  const data = { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } }
  await cluster.apply(setOf('good', { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: data }] }))
  await cluster.advance('1m')
  const text = await progressing(cluster)
  expect(text).toMatch(/^False ClaimNotBound: Pod web-0 cannot be scheduled: /)
  expect(text).toContain('claim data-web-0 (class fast) is not bound')
})

test('B16, N1–N4: a Pod on a machine that is cut off is told with the machine and the ways out, and comes back with it', async () => {
  await using cluster = await startCluster({ nodes: 2, images })
  await cluster.apply(setOf('good'))
  await cluster.settle()
  const { nodeName } = (await cluster.pods()).find(({ metadata }) => metadata.name === 'web-1')!.spec
  cluster.node(nodeName!).cut()
  await cluster.advance('10m')
  const text = await progressing(cluster)
  expect(text).toMatch(
    new RegExp(`^False NodeNotAnswering: Pod web-\\d is being deleted, but node ${nodeName} has not answered since`),
  )
  expect(text).toContain(`"kubectl delete node ${nodeName}"`)
  await cluster.delete(`node/${nodeName}`)
  await cluster.advance('5m')
  expect((await cluster.pods()).map(({ spec }) => spec.nodeName)).not.toContain(nodeName)
  expect(await progressing(cluster)).toMatch(/^True Complete/)
})

const versionOf = async (cluster: Cluster): Promise<string> =>
  (await cluster.get<StatefulSet>('statefulset/web')).metadata.resourceVersion

test.each([
  ['settled', setOf('good')],
  ['waiting for a machine', setOf('good', {}, {}, { nodeSelector: { disk: 'fast' } })],
  ['waiting for an image', setOf('absent')],
  ['waiting for a probe', setOf('sick', {}, { readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 } })],
])('a set that is %s is not written again and again', async (_state, manifest) => {
  await using cluster = await startCluster({ images })
  await cluster.apply(manifest)
  await cluster.advance('10m')
  const version = await versionOf(cluster)
  await cluster.advance('1h')
  expect(await versionOf(cluster)).toBe(version)
})
