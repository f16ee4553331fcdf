import { type Outcome, type RunOptions, runScenario } from './run-scenario.ts'
import type { Action, Scenario, SetPlan } from './scenario.ts'

export interface Shrunk {
  readonly scenario: Scenario
  readonly outcome: Outcome
  readonly runs: number
}

const RUNS_MAX = 120

/** Leaves out of a failing scenario whatever is not needed for it to fail: actions, sets, machines, replicas, clock offsets. */
export async function shrink(scenario: Scenario, options: RunOptions = {}): Promise<Shrunk> {
  let best: Shrunk = { scenario, outcome: await runScenario(scenario, options), runs: 1 }
  for (let hasShrunk = true; hasShrunk && best.runs < RUNS_MAX; ) {
    hasShrunk = false
    for (const smaller of smallerThan(best.scenario)) {
      if (best.runs >= RUNS_MAX) break
      const outcome = await runScenario(smaller, options)
      best = { ...best, runs: best.runs + 1 }
      if (!isSameBreach(outcome, best.outcome)) continue
      best = { scenario: smaller, outcome, runs: best.runs }
      hasShrunk = true
      break
    }
  }
  return best
}

/** The same promise is broken, whatever the names and numbers: a history that breaks another one explains nothing. */
const isSameBreach = (a: Outcome, b: Outcome): boolean => a.violation !== undefined && breachOf(a) === breachOf(b)

const breachOf = ({ violation = '' }: Outcome): string => violation.replaceAll(/\d+/g, '').split(': ', 1)[0]!

/** Bigger cuts first. */
function* smallerThan(scenario: Scenario): Iterable<Scenario> {
  const { actions, sets } = scenario
  if (actions.length > 3) {
    const middle = Math.ceil(actions.length / 2)
    yield { ...scenario, actions: actions.slice(0, middle) }
    yield { ...scenario, actions: actions.slice(middle) }
  }
  if (sets.length > 1) {
    for (const { name } of sets) yield withoutSet(scenario, name)
  }
  if (scenario.nodes > 1) yield withoutLastMachine(scenario)
  for (let left = 0; left < actions.length; left++) yield { ...scenario, actions: actions.toSpliced(left, 1) }
  if (scenario.clockOffsetsMs.some(offset => offset !== 0))
    yield { ...scenario, clockOffsetsMs: scenario.clockOffsetsMs.map(() => 0) }
  for (const set of sets) if (set.replicas > 1) yield withSmallerSet(scenario, set)
}

function withoutLastMachine({ nodes, clockOffsetsMs, actions, ...rest }: Scenario): Scenario {
  const isHere = (action: Action): boolean => !('node' in action) || action.node !== `node-${nodes}`
  return { ...rest, nodes: nodes - 1, clockOffsetsMs: clockOffsetsMs.slice(0, -1), actions: actions.filter(isHere) }
}

const withSmallerSet = (scenario: Scenario, { name, replicas }: SetPlan): Scenario => ({
  ...scenario,
  sets: scenario.sets.map(set => (set.name === name ? { ...set, replicas: replicas - 1 } : set)),
})

const withoutSet = (scenario: Scenario, name: string): Scenario => ({
  ...scenario,
  sets: scenario.sets.filter(set => set.name !== name),
  actions: scenario.actions.filter(action => !('set' in action) || action.set !== name),
})
