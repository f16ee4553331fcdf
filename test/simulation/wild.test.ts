import { describe, expect, test } from 'vitest'
import { runScenario } from '../../src/testing/simulator/run-scenario.ts'
import { type Scenario, wildScenarioFrom } from '../../src/testing/simulator/scenario.ts'
import { plantedRegressions } from './planted-regressions.ts'

/** Within so many seeds every regression is found; docs/robustness.md tells how many each took. */
const SEEDS_MAX = 60
const SEEDS_HELD = 12

test('the promises hold also when faults strike in the middle of calls', async () => {
  for (let seed = 1; seed <= SEEDS_HELD; seed++) {
    const { violation, evidence } = await runScenario(wildScenarioFrom(seed))
    expect(violation && `seed ${seed}: ${violation}\n${evidence}`).toBeUndefined()
  }
}, 120_000)

/** What each of these does at least once: a leader and a server lost in mid-call, late answers, stale caches, a clock that jumps. */
const WILD_KINDS = [
  'killLeader',
  'killServer',
  'lateReplies',
  'staleCaches',
  'slowMachine',
  'shiftClock',
  'fillDisk',
] as const

test('the same seed plays the same history, byte for byte, whatever strikes at whatever await', async () => {
  for (const kind of WILD_KINDS) {
    const seed = firstSeedWith(kind)
    const [first, second] = await Promise.all([
      runScenario(wildScenarioFrom(seed)),
      runScenario(wildScenarioFrom(seed)),
    ])
    expect(second, `${kind}, seed ${seed}`).toEqual(first)
  }
}, 120_000)

test('another turn of the microtask queue is another history: the awaits of a call are told apart', async () => {
  const digests = await Promise.all(
    [0, 1, 2, 3, 5, 8, 13, 21].map(async turns => {
      const { digest, violation } = await runScenario(struckBy('killServer', { calls: 40, turns }))
      expect(violation).toBeUndefined()
      return digest
    }),
  )
  expect(new Set(digests).size).toBeGreaterThan(2)
})

const firstSeedWith = (kind: string): number => {
  let seed = 1
  while (!wildScenarioFrom(seed).actions.some(action => action.kind === kind)) seed++
  return seed
}

/** Two sets that come up with claims, and one loss of power at one await of one call. */
const struckBy = (kind: 'killLeader' | 'killServer', at: { calls: number; turns: number }): Scenario => ({
  seed: 1,
  nodes: 2,
  clockOffsetsMs: [0, 0],
  isWild: true,
  sets: (['web', 'db'] as const).map(name => ({
    name,
    replicas: 2,
    isParallel: name === 'db',
    hasClaim: true,
    keepsClaims: true,
    minReadySeconds: 0,
    partition: 0,
    maxUnavailable: 1,
    start: 0,
    hasProbe: false,
  })),
  actions: [{ atMs: 0, kind, ...at }],
})

test.each(['killLeader', 'killServer'] as const)(
  '%s at any await of a start leaves nothing undone',
  async kind => {
    for (let step = 0; step < 40; step++) {
      const at = { calls: 1 + step * 4, turns: (step * 7) % 60 }
      const { violation, evidence } = await runScenario(struckBy(kind, at))
      expect(violation && `${JSON.stringify(at)}: ${violation}\n${evidence}`).toBeUndefined()
    }
  },
  120_000,
)

/** The seed at which each was found last, which is tried first. */
const FOUND_AT: Readonly<Record<string, number>> = {
  '#60164': 1,
  '#88896': 1,
  '#141095': 1,
  '#137409': 4,
  '#123918': 9,
  '#118310': 38,
  '#121534': 1,
  '#135017': 3,
  '#140858': 23,
}

describe('a regression that Kubernetes knows by number is found', () => {
  test.each(Object.entries(plantedRegressions))(
    '%s',
    async (name, plant) => {
      const known = FOUND_AT[name.split(':')[0]!]!
      const others = Array.from({ length: SEEDS_MAX }, (_, index) => index + 1).filter(seed => seed !== known)
      for (const seed of [known, ...others]) {
        const { violation } = await runScenario(wildScenarioFrom(seed), { bug: plant() })
        if (violation !== undefined) return
      }
      expect.fail(`not found within ${SEEDS_MAX} seeds`)
    },
    120_000,
  )
})
