import { expect, test } from 'vitest'
import type { Node, Pod } from '../../src/api/core-v1/types.ts'
import { apiClient } from '../../src/client/api-client.ts'
import { SharedInformers } from '../../src/client/shared-informers.ts'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import type { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import type { ApiTransport } from '../../src/machinery/api-call.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { milliUnitsOf } from '../../src/machinery/quantity.ts'
import { createScheduler } from '../../src/scheduler/scheduler.ts'
import { type Cluster, startCluster } from '../../src/testing/testing.ts'

const labels = { app: 'web' }
const setOf = (replicas: number, cpu: string) => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web' },
  spec: {
    serviceName: 'web',
    replicas,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: { containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu } } }] },
    },
  },
})

/** News that arrive late. */
const slowed = (inner: ApiTransport, clock: VirtualClock, delayMs: number): ApiTransport => ({
  request: (call, signal) => inner.request(call, signal),
  async *watch(call, signal) {
    for await (const event of inner.watch(call, signal)) {
      await clock.sleep(delayMs, signal).catch(() => {})
      yield event
    }
  },
})

/** Another scheduler of the same name, that nobody has told of the first one, and that learns everything late. */
function rivalIn(cluster: Cluster, seed: number): AsyncDisposable {
  const { clock } = cluster
  const transport = slowed(cluster.transport('rival'), clock, 20)
  const parts = { client: apiClient(transport), clock, random: seededRandom(seed), logger: silentLogger }
  const informers = new SharedInformers(parts)
  const stop = new AbortController()
  const running = createScheduler({ ...parts, informers, events: { record: () => {} } }).run(stop.signal)
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the test is over'))
      await Promise.all([running, informers.stop()])
    },
  }
}

const cpuOf = ({ spec }: Pod): number => milliUnitsOf(spec.containers[0]!.resources!.requests!.cpu!)

test.each([1, 2, 3, 4])('two schedulers that both lead over-commit no machine, seed %i', async seed => {
  await using cluster = await startCluster({ nodes: 3, seed })
  await using _ = rivalIn(cluster, seed)
  const { status } = await cluster.get<Node>(`node/${cluster.nodes[0]!.name}`)
  const there = milliUnitsOf(status.allocatable!.cpu!)
  await cluster.apply(setOf(8, `${Math.floor(there / 2)}m`)) // Two fit on each machine.

  const ran = new Map<string, string>()
  for (let step = 0; step < 400; step++) {
    await cluster.advance(100)
    const pods = (await cluster.pods()).filter(pod => pod.status.phase === 'Running')
    for (const { name } of cluster.nodes) {
      const used = pods.filter(({ spec }) => spec.nodeName === name).reduce((sum, pod) => sum + cpuOf(pod), 0)
      expect(used, `${name} after ${step} steps`).toBeLessThanOrEqual(there)
    }
    for (const { metadata, spec } of pods) {
      expect(ran.get(metadata.uid) ?? spec.nodeName, `${metadata.name} ran elsewhere before`).toBe(spec.nodeName)
      ran.set(metadata.uid, spec.nodeName!)
    }
  }
  await cluster.advance('10m')
  const pods = await cluster.pods()
  expect(pods.filter(pod => pod.status.phase === 'Running')).toHaveLength(6)
  const waiting = pods.filter(({ spec }) => spec.nodeName === undefined)
  expect(waiting.map(pod => pod.status.conditions?.find(({ type }) => type === 'PodScheduled')?.reason)).toEqual([
    'Unschedulable',
    'Unschedulable',
  ])
})
