import { expect, test } from 'vitest'
import type { PersistentVolume, PersistentVolumeClaim } from '../../src/api/core-v1/types.ts'
import { standardStorageClass } from '../../src/controllers/local-volume-provisioner/standard-storage-class.ts'
import { startCluster } from '../../src/testing/testing.ts'

const labels = { app: 'web' }
const set = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web' },
  spec: {
    serviceName: 'nginx',
    replicas: 2,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        containers: [
          { name: 'nginx', image: 'nginx:1.27', volumeMounts: [{ name: 'www', mountPath: '/usr/share/nginx/html' }] },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'www' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ],
  },
}
const standard = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', ...standardStorageClass }

test('each Pod of a set gets a volume that it finds again, wherever the set is scaled to in between', async () => {
  await using cluster = await startCluster({ nodes: 3 })
  await cluster.apply([standard, set])
  await cluster.advance('60s')
  const volumes = async () => {
    const claims = await Promise.all(
      ['www-web-0', 'www-web-1'].map(name => cluster.get<PersistentVolumeClaim>(`persistentvolumeclaim/${name}`)),
    )
    return claims.map(({ spec, status }) => ({
      volume: spec.volumeName,
      phase: status.phase,
      of: spec.storageClassName,
    }))
  }
  const places = async () => (await cluster.pods()).map(({ metadata, spec }) => [metadata.name, spec.nodeName]).sort()
  const [before, placed] = [await volumes(), await places()]
  expect(before).toMatchObject([
    { phase: 'Bound', of: 'standard' },
    { phase: 'Bound', of: 'standard' },
  ])

  await cluster.scale('statefulset/web', 0)
  await cluster.advance('120s')
  await cluster.scale('statefulset/web', 2)
  await cluster.advance('60s')
  expect(await volumes()).toEqual(before)
  expect(await places()).toEqual(placed)
})

test('S14: a claim in use stays until its Pod is gone, and takes its volume with it', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply([standard, { ...set, spec: { ...set.spec, replicas: 1 } }])
  await cluster.advance('60s')
  const { spec } = await cluster.get<PersistentVolumeClaim>('persistentvolumeclaim/www-web-0')
  await cluster.delete('persistentvolumeclaim/www-web-0')
  await cluster.advance('10s')
  const claim = await cluster.get<PersistentVolumeClaim>('persistentvolumeclaim/www-web-0')
  expect(claim.metadata.deletionTimestamp).toBeDefined()

  await cluster.scale('statefulset/web', 0)
  await cluster.advance('120s')
  expect(await cluster.find('persistentvolumeclaim/www-web-0')).toBeUndefined()
  expect(await cluster.find<PersistentVolume>(`persistentvolume/${spec.volumeName}`)).toBeUndefined()
})

const claim = (name: string, storageClassName: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: '1Gi' } } },
})
const user = (claimName: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `user-of-${claimName}` },
  spec: {
    containers: [{ name: 'main', image: 'app:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
  },
})
const now = {
  ...standard,
  metadata: { name: 'now' },
  volumeBindingMode: 'Immediate',
}

test('a claim of a class with immediate binding gets its volume before any Pod, and the Pod follows it', async () => {
  await using cluster = await startCluster({ nodes: 3 })
  await cluster.apply([now, ...['a', 'b', 'c'].map(name => claim(name, 'now'))])
  await cluster.settle()
  const hosts = new Map<string, string>()
  for (const name of ['a', 'b', 'c']) {
    const { spec, status } = await cluster.get<PersistentVolumeClaim>(`persistentvolumeclaim/${name}`)
    expect(status.phase).toBe('Bound')
    const volume = await cluster.get<PersistentVolume>(`persistentvolume/${spec.volumeName}`)
    hosts.set(
      `user-of-${name}`,
      volume.spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions![0]!.values![0]!,
    )
  }
  expect(new Set(hosts.values()).size).toBe(3) // Each on another machine.
  await cluster.apply(['a', 'b', 'c'].map(user))
  await cluster.settle()
  expect(new Map((await cluster.pods()).map(({ metadata, spec }) => [metadata.name, spec.nodeName]))).toEqual(hosts)
})

test('a claim of a class with immediate binding waits for a machine when none is ready', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  const [machine] = cluster.nodes
  await cluster.patch(`node/${machine!.name}`, { spec: { unschedulable: true } })
  await cluster.apply([now, claim('a', 'now')])
  await cluster.settle()
  expect(await cluster.events('persistentvolumeclaim/a')).toContain(
    'ProvisioningFailed failed to provision volume with StorageClass "now": no machine is ready for it',
  )
  await cluster.patch(`node/${machine!.name}`, { spec: { unschedulable: false } })
  await cluster.settle()
  expect(await cluster.get<PersistentVolumeClaim>('persistentvolumeclaim/a')).toMatchObject({
    status: { phase: 'Bound' },
  })
})

test.each(['before', 'after'])(
  'the volume of a machine that is removed goes with its claim, which was deleted %s',
  async order => {
    await using cluster = await startCluster({ nodes: 2 })
    await cluster.apply([now, claim('a', 'now')])
    await cluster.settle()
    const { spec } = await cluster.get<PersistentVolumeClaim>('persistentvolumeclaim/a')
    const reference = `persistentvolume/${spec.volumeName}`
    const volume = await cluster.get<PersistentVolume>(reference)
    const [host] = volume.spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions![0]!.values!
    // When
    cluster.node(host!).cut()
    if (order === 'before') await cluster.delete('persistentvolumeclaim/a')
    await cluster.advance('1m')
    await cluster.delete(`node/${host}`)
    await cluster.advance('5m')
    expect(await cluster.find(reference)).toEqual(order === 'before' ? undefined : expect.anything())
    if (order === 'after') await cluster.delete('persistentvolumeclaim/a')
    await cluster.advance('5m')
    expect(await cluster.find(reference)).toBeUndefined()
  },
)
