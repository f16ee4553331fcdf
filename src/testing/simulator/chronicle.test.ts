import { expect, test } from 'vitest'
import type { ApiTransport } from '../../machinery/api-call.ts'
import { runScenario } from './run-scenario.ts'
import type { Scenario } from './scenario.ts'

const scenario: Scenario = {
  seed: 1,
  nodes: 1,
  clockOffsetsMs: [-500],
  sets: [
    {
      name: 'web',
      replicas: 1,
      isParallel: false,
      hasClaim: true,
      keepsClaims: true,
      minReadySeconds: 0,
      partition: 0,
      maxUnavailable: 1,
      start: 0,
      hasProbe: false,
    },
  ],
  actions: [
    { atMs: 10_000, kind: 'fillDisk', node: 'node-1', forMs: 4000 },
    { atMs: 20_500, kind: 'deletePod', set: 'web', place: 0 },
  ],
}

/** An observer that never hears of the Pod that the user deletes sees its successor come while it is there. */
const forgetful = {
  bug: (component: string, transport: ApiTransport): ApiTransport =>
    component !== 'observer'
      ? transport
      : {
          request: (call, signal) => transport.request(call, signal),
          async *watch(call, signal) {
            for await (const event of transport.watch(call, signal)) {
              if (event.type !== 'DELETED' || event.object.kind !== 'Pod') yield event
            }
          },
        },
}

test('a broken promise is told with what happened last, how things stood and what ran', async () => {
  const { violation, evidence } = await runScenario(scenario, forgetful)
  expect(violation).toMatch(/^\[22\.\d{3} s\] pods default\/web-0 at \d+ was added while it was there$/)
  const sections = evidence!.split('\n').filter(line => !line.startsWith(' '))
  expect(sections).toEqual([
    'what happened last:',
    'how things stood:',
    'what the sets said:',
    'what ran:',
    'what was told last, by the clocks of those who told it:',
  ])
  expect(evidence).toContain('    10.000 s  > fillDisk node=node-1 forMs=4000\n')
  expect(evidence).toContain('    14.000 s  > fillDisk node=node-1 forMs=4000 is over\n')
  expect(evidence).toMatch(
    / 20\.500 s {2}Pod web-0: Running \(\w{4}\), ready, on node-1, image app:1, web-\w+, terminating\n/,
  )
  expect(evidence).toMatch(/\n {2}claim data-web-0: Bound, pvc-/)
  expect(evidence).toMatch(/\n {2}set web: wants 1, image app:1, status of generation 1 of 1, /)
  expect(evidence).toContain('\n  node-1: nothing\n')
  expect(evidence).toContain('Pod web-0 Killing: Stopping container main')
})
