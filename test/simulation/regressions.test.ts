import { expect, test } from 'vitest'
import { runScenario } from '../../src/testing/simulator/run-scenario.ts'
import { type Action, type Scenario, type SetPlan, scenarioFrom } from '../../src/testing/simulator/scenario.ts'

/** Seeds that found something, with what it was; see docs/robustness.md. */
const FOUND = [
  [
    30,
    'a Pod whose predecessor was evicted from the same machine starts, also when the kubelet is told in between two looks',
  ],
  [130, 'the same with Pods that are replaced in parallel'],
  [379, 'the same when it is the first of the set'],
] as const

test.each(FOUND)('seed %i: %s', async seed => {
  expect(await breachIn(scenarioFrom(seed))).toBeUndefined()
})

const plain: SetPlan = {
  name: 'web',
  replicas: 3,
  isParallel: false,
  hasClaim: false,
  keepsClaims: true,
  minReadySeconds: 0,
  partition: 0,
  maxUnavailable: 1,
  start: 0,
  hasProbe: false,
}

const happening = (plan: Partial<SetPlan>, actions: readonly Action[]): Scenario => ({
  seed: 1,
  nodes: 1,
  clockOffsetsMs: [0],
  sets: [{ ...plain, ...plan }],
  actions,
})

async function breachIn(scenario: Scenario): Promise<string | undefined> {
  const { violation, evidence } = await runScenario(scenario)
  return violation && `${violation}\n${evidence}`
}

const node = 'node-1'

test.each<readonly [string, Partial<SetPlan>, readonly Action[]]>([
  [
    '480, 659: counters are held against their own moment, however long nothing happens after it',
    { hasClaim: true, keepsClaims: false, maxUnavailable: 2 },
    [
      { atMs: 91_494, kind: 'stopKubelet', node, forMs: 70_252 },
      { atMs: 117_331, kind: 'fillDisk', node, forMs: 43_461 },
    ],
  ],
  [
    '629, 688: the same with a machine that is cut off and crashes',
    { replicas: 5, hasProbe: true },
    [
      { atMs: 34_568, kind: 'cutMachine', node, forMs: 82_741 },
      { atMs: 61_542, kind: 'crashMachine', node, forMs: 49_023 },
    ],
  ],
  ['813: the same with a machine that crashes', {}, [{ atMs: 46_973, kind: 'crashMachine', node, forMs: 80_536 }]],
  [
    '587: a broken image that became the current revision at zero replicas is left behind by lowering the partition',
    { replicas: 1, isParallel: true, partition: 4, maxUnavailable: 2 },
    [
      { atMs: 51_904, kind: 'scale', set: 'web', replicas: 0 },
      { atMs: 90_555, kind: 'update', set: 'web', image: 'app:broken' },
      { atMs: 91_630, kind: 'scale', set: 'web', replicas: 1 },
    ],
  ],
  [
    '736: an ordered set that two ended Pods keep from shrinking goes on when they are deleted',
    { minReadySeconds: 5, maxUnavailable: 3, hasProbe: true },
    [
      { atMs: 3712, kind: 'scale', set: 'web', replicas: 4 },
      { atMs: 23_534, kind: 'fillDisk', node, forMs: 78_821 },
      { atMs: 148_392, kind: 'scale', set: 'web', replicas: 0 },
    ],
  ],
])('seed %s', async (_, plan, actions) => {
  expect(await breachIn(happening(plan, actions))).toBeUndefined()
})
