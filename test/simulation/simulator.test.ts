import { describe, expect, test } from 'vitest'
import { runScenario } from '../../src/testing/simulator/run-scenario.ts'
import { type Scenario, scenarioFrom } from '../../src/testing/simulator/scenario.ts'
import { shrink } from '../../src/testing/simulator/shrink.ts'
import { plantedBugs } from './planted-bugs.ts'

/** Within so many seeds every planted bug is found; docs/robustness.md tells how many each took. */
const SEEDS_MAX = 40
const SEEDS_HELD = 20

test('the promises hold, whatever the first seeds try', async () => {
  for (let seed = 1; seed <= SEEDS_HELD; seed++) {
    const { violation, evidence } = await runScenario(scenarioFrom(seed))
    expect(violation && `seed ${seed}: ${violation}\n${evidence}`).toBeUndefined()
  }
}, 120_000)

test('the same seed plays the same history, byte for byte', async () => {
  const [first, second] = [await runScenario(scenarioFrom(7)), await runScenario(scenarioFrom(7))]
  expect(second).toEqual(first)
})

describe('a bug is found', () => {
  test.each(Object.keys(plantedBugs))(
    '%s',
    async name => {
      expect(await firstSeedThatFinds(name)).toBeLessThanOrEqual(SEEDS_MAX)
    },
    120_000,
  )
})

async function firstSeedThatFinds(name: string): Promise<number> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const { violation } = await runScenario(scenarioFrom(seed), { bug: plantedBugs[name]! })
    if (violation !== undefined) return seed
  }
  return Number.POSITIVE_INFINITY
}

test('a failing history is shrunk to what it needs', async () => {
  const bug = plantedBugs['a claim goes with its Pod']!
  const { scenario, outcome } = await shrink(scenarioFrom(4), { bug })
  expect(outcome.violation).toMatch(/claim data-set\d-\d was deleted, which nothing asked for/)
  expect(scenario.sets).toHaveLength(1)
  expect(scenario.actions.length).toBeLessThanOrEqual(2)
  expect(scenario.nodes).toBe(1)
}, 120_000)

const steady: Scenario = {
  seed: 1,
  nodes: 2,
  clockOffsetsMs: [0, 0],
  sets: [
    {
      name: 'web',
      replicas: 3,
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
  actions: [],
}

test.each(['loseLeader', 'loseServer'] as const)(
  '%s at any moment of a start leaves nothing undone',
  async kind => {
    for (let atMs = 0; atMs < 3000; atMs += 150) {
      const { violation } = await runScenario({ ...steady, actions: [{ atMs, kind }] })
      expect(violation && `at ${atMs} ms: ${violation}`).toBeUndefined()
    }
  },
  120_000,
)
