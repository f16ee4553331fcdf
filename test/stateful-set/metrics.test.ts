import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { Stage } from './stage.ts'
import { lateWatches } from './tampering.ts'

const MAX = 'statefulset_controller_statefulset_max_unavailable'
const UNAVAILABLE = 'statefulset_controller_statefulset_unavailable_replicas'
const SKIPS = 'statefulset_controller_stale_sync_skips_total'

/** The lines of one metric, without its help. */
async function linesOf(registry: Registry, name: string): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n').filter(line => line.startsWith(name))
}

test('T14: what may be and what is unavailable is shown for each set, and gone with it', async () => {
  const metrics = new Registry()
  await using stage = await Stage.start({ metrics })
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '50%' } }
  await stage.create({ replicas: 4, podManagementPolicy: 'Parallel', updateStrategy })
  const labels = '{statefulset_namespace="default",statefulset_name="web",pod_management_policy="Parallel"}'
  expect(await linesOf(metrics, MAX)).toEqual([`${MAX}${labels} 2`])
  expect(await linesOf(metrics, UNAVAILABLE)).toEqual([`${UNAVAILABLE}${labels} 0`])
  stage.kubelet.hold('web-1')
  await stage.deletePod('web-1')
  expect(await linesOf(metrics, UNAVAILABLE)).toEqual([`${UNAVAILABLE}${labels} 1`])
  await stage.deleteSet()
  expect(await linesOf(metrics, MAX)).toEqual([])
})

test('T14: a pass that is put off because the caches are behind is counted', async () => {
  const metrics = new Registry()
  const held: { stage?: Stage } = {}
  const tampering = lateWatches(async () => held.stage?.clock.sleep(300))
  await using stage = await Stage.start({ metrics, tampering })
  held.stage = stage
  await stage.create({ replicas: 2 })
  await stage.clock.advance(10_000)
  const [line] = await linesOf(metrics, SKIPS)
  expect(line).toMatch(/^statefulset_controller_stale_sync_skips_total\{group="apps",resource="statefulsets"\} [1-9]/)
})

test('T14: a controller that is started again in the same process goes on counting', async () => {
  const metrics = new Registry()
  await using stage = await Stage.start({ metrics })
  await stage.create({ replicas: 1 })
  const term = new AbortController()
  const ended = stage.runStatefulSets({ metrics, signal: term.signal })
  await stage.rest()
  term.abort(new Error('lost the lead'))
  await ended
  expect(await linesOf(metrics, MAX)).toHaveLength(1)
})
