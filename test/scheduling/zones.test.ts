import { expect, test } from 'vitest'
import { startCluster } from '../../src/testing/testing.ts'

const ZONE = 'topology.kubernetes.io/zone'
const nodes = ['a', 'b', 'c'].map(zone => ({ name: `node-${zone}`, labels: { [ZONE]: zone } }))
const labels = { app: 'web' }

const spreadSet = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web' },
  spec: {
    serviceName: 'web',
    replicas: 5,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        containers: [{ name: 'main', image: 'app:1' }],
        topologySpreadConstraints: [
          { topologyKey: ZONE, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: labels } },
        ],
      },
    },
  },
}

test('a set spread over zones finds its ordinals in the same zones again, without a volume that holds them', async () => {
  await using cluster = await startCluster({ nodes })
  const places = async () =>
    Object.fromEntries((await cluster.pods()).map(({ metadata, spec }) => [metadata.name, spec.nodeName]))

  await cluster.apply(spreadSet)
  await cluster.advance('60s')
  const first = await places()
  expect(new Set(Object.values(first)).size).toBe(3)

  await cluster.scale('statefulset/web', 0)
  await cluster.advance('120s')
  expect(await places()).toEqual({})
  await cluster.scale('statefulset/web', 5)
  await cluster.advance('60s')
  expect(await places()).toEqual(first)
})
