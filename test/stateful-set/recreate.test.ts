import { expect, test } from 'vitest'
import type { StatefulSet } from '../../src/api/apps-v1/types.ts'
import { imagesNamed } from '../../src/fakes/machine/fake-image.ts'
import type { JsonObject } from '../../src/machinery/json.ts'
import { type Cluster, startCluster } from '../../src/testing/testing.ts'

const featureGates = { StatefulSetRecreateStrategy: true }
const images = imagesNamed({ old: { stopMs: 3000 }, new: { readyMs: 1000 }, sick: { answer: () => ({ status: 500 }) } })

const setOf = (image: string, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    serviceName: 'nginx',
    selector: { matchLabels: { app: 'web' } },
    updateStrategy: { type: 'Recreate' },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [{ name: 'main', image, readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 } }],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ],
    ...spec,
  },
})

async function progressing(cluster: Cluster): Promise<string> {
  const { status } = await cluster.get<StatefulSet>('statefulset/web')
  const { status: value, reason } = status.conditions?.find(({ type }) => type === 'Progressing') ?? {}
  return `${value} ${reason}`
}

/** `web-0=old`, with a minus sign while it is being deleted. */
const imagesOf = async (cluster: Cluster): Promise<readonly string[]> =>
  (await cluster.pods()).map(
    ({ metadata, spec }) => `${metadata.deletionTimestamp ? '-' : ''}${metadata.name}=${spec.containers[0]!.image}`,
  )

const uidsOf = async (cluster: Cluster): Promise<readonly string[]> =>
  (await cluster.pods()).map(({ metadata }) => metadata.uid)

/** What the cluster looks like, second after second, until it looks as wanted. */
async function watched(cluster: Cluster, wanted: readonly string[]): Promise<readonly (readonly string[])[]> {
  const seen: (readonly string[])[] = []
  for (let second = 0; second < 120; second++) {
    seen.push(await imagesOf(cluster))
    if (JSON.stringify(seen.at(-1)) === JSON.stringify(wanted)) return seen
    await cluster.advance('1s')
  }
  throw new Error(`still ${JSON.stringify(seen.at(-1))}`)
}

test('RC1, RC2, RC4, X28: Recreate ends every old Pod at once, makes none before the last is gone, then goes on in order', async () => {
  await using cluster = await startCluster({ nodes: 2, images, featureGates })
  await cluster.apply(setOf('old'))
  await cluster.advance('1m')
  expect(await imagesOf(cluster)).toEqual(['web-0=old', 'web-1=old', 'web-2=old'])
  await cluster.apply(setOf('new'))
  await cluster.advance('1s')
  expect(await imagesOf(cluster)).toEqual(['-web-0=old', '-web-1=old', '-web-2=old'])
  expect(await progressing(cluster)).toBe('True RecreateInProgress')
  const seen = await watched(cluster, ['web-0=new', 'web-1=new', 'web-2=new'])
  for (const pods of seen) expect(new Set(pods.map(pod => pod.split('=')[1])).size).toBeLessThanOrEqual(1)
  expect(seen).toContainEqual(['web-0=new'])
  await cluster.advance('1m')
  expect(await progressing(cluster)).toBe('True RecreateComplete')
})

test('RC1: Recreate also ends Pods that are not healthy, so that a corrected template reaches a stuck set', async () => {
  await using cluster = await startCluster({ images, featureGates })
  await cluster.apply(setOf('sick'))
  await cluster.advance('1m')
  expect(await imagesOf(cluster)).toEqual(['web-0=sick'])
  await cluster.apply(setOf('new'))
  await cluster.advance('2m')
  expect(await imagesOf(cluster)).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
})

test('RC3: a changed strategy alone replaces nothing, and Recreate keeps the claims', async () => {
  await using cluster = await startCluster({ images, featureGates })
  await cluster.apply(setOf('old', { updateStrategy: { type: 'RollingUpdate' } }))
  await cluster.advance('1m')
  const before = await uidsOf(cluster)
  await cluster.patch('statefulset/web', { spec: { updateStrategy: { type: 'Recreate', rollingUpdate: null } } })
  await cluster.advance('1m')
  expect(await uidsOf(cluster)).toEqual(before)
  const claim = await cluster.get('persistentvolumeclaim/data-web-2')
  await cluster.patch('statefulset/web', { spec: { template: setOf('new').spec.template } })
  await cluster.advance('2m')
  expect(await imagesOf(cluster)).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
  expect((await cluster.get('persistentvolumeclaim/data-web-2')).metadata.uid).toBe(claim.metadata.uid)
})

test('RC3: partition and maxUnavailable are not allowed together with Recreate', async () => {
  await using cluster = await startCluster({ images, featureGates })
  const updateStrategy = { type: 'Recreate', rollingUpdate: { partition: 1 } }
  await expect(cluster.apply(setOf('old', { updateStrategy }))).rejects.toMatchObject({
    message: expect.stringContaining("only allowed for updateStrategy 'RollingUpdate'"),
  })
})

test('V9, RC5: with the gate off Recreate is refused in the words of upstream', async () => {
  await using cluster = await startCluster({ images })
  const spec: JsonObject = { updateStrategy: { type: 'Recreate' } }
  await expect(cluster.apply(setOf('old', spec))).rejects.toMatchObject({
    status: {
      code: 422,
      message:
        'StatefulSet.apps "web" is invalid: spec.updateStrategy: Invalid value: {"type":"Recreate"}: must be \'RollingUpdate\' or \'OnDelete\'',
    },
  })
})
