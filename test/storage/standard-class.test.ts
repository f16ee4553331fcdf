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
