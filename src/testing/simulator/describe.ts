import type { Action, Scenario, SetPlan } from './scenario.ts'

/** A scenario as people read it: what there was, and what happened when. */
export function scenarioText({ nodes, clockOffsetsMs, sets, actions }: Scenario): string {
  return [
    `${nodes} machines, clocks off by ${clockOffsetsMs.join(', ')} ms`,
    ...sets.map(setText),
    ...actions.map(actionText),
  ].join('\n')
}

const setText = ({ name, ...plan }: SetPlan): string => `set ${name}: ${wordsOf(plan)}`

const actionText = ({ atMs, kind, ...rest }: Action): string =>
  `${(atMs / 1000).toFixed(3).padStart(8)} s  ${kind} ${wordsOf(rest)}`.trimEnd()

const wordsOf = (fields: object): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')
