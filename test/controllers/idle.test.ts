import { expect, test } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { startClusterWith } from '../../src/testing/start-cluster.ts'

const labels = { app: 'web' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } }
const workload = (kind: string, spec: object) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: kind.toLowerCase() },
  spec: { selector: { matchLabels: labels }, template, ...spec },
})
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: labels, ports: [{ port: 80 }] },
}

test('a cluster in which nothing changes writes nothing but Leases, and what machines say of themselves', async () => {
  const writes: string[] = []
  let isCounting = false
  const counted = (store: Store): Store =>
    new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (name !== 'commit') return value.bind(target)
        return (write: Parameters<Store['commit']>[0]) => {
          if (isCounting) writes.push(write.key.split('/')[2]!)
          return target.commit(write)
        }
      },
    })
  await using cluster = await startClusterWith({ nodes: 3 }, { store: counted })
  await cluster.apply([
    service,
    workload('StatefulSet', { replicas: 5, serviceName: 'web' }),
    workload('Deployment', { replicas: 5 }),
    workload('DaemonSet', {}),
  ])
  await cluster.advance('90m') // What followed from the beginning is over then, the Events of it included.
  isCounting = true
  await cluster.advance('1h')
  expect(new Set(writes)).toEqual(new Set(['leases', 'nodes']))
  expect(writes.filter(resource => resource === 'nodes').length).toBeLessThanOrEqual(3 * 12) // Every five minutes each.
})
