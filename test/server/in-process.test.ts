import { expect, test } from 'vitest'
import type { ApiCall } from '../../src/machinery/api-call.ts'
import { startClusterWith } from '../../src/testing/start-cluster.ts'
import { statefulSet } from '../../src/testing/stateful-set-manifest.ts'

test('a kubelet in this process follows the ConfigMaps of its Pods by name, as over HTTP', async () => {
  const refused: string[] = []
  const asked: ApiCall[] = []
  await using cluster = await startClusterWith(
    {},
    {
      between: (component, transport) => ({
        async request(call, signal) {
          if (call.resource !== 'configmaps' || !component.startsWith('kubelet')) return transport.request(call, signal)
          asked.push(call)
          return transport.request(call, signal).catch(error => {
            refused.push(String(error))
            throw error
          })
        },
        watch: (call, signal) => transport.watch(call, signal),
      }),
    },
  )
  await cluster.apply(statefulSet('web', { replicas: 1 }))
  await cluster.settle()
  expect(asked.map(({ verb }) => verb)).toEqual(['list', 'get'])
  expect(asked[0]!.options?.fieldSelector).toBe('metadata.name=kube-root-ca.crt')
  expect(refused).toEqual([])
})
