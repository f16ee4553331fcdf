import { expect, test } from 'vitest'
import { runScenario } from '../../src/testing/simulator/run-scenario.ts'
import { scenarioFrom } from '../../src/testing/simulator/scenario.ts'

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
  const { violation, evidence } = await runScenario(scenarioFrom(seed))
  expect(violation && `${violation}\n${evidence}`).toBeUndefined()
})
