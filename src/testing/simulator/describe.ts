import { Event } from '../../api/core-v1/types.ts'
import { timeOf } from '../../machinery/time.ts'
import type { Cluster } from '../cluster.ts'
import type { Action, Scenario, SetPlan } from './scenario.ts'

/** A scenario as people read it: what there was, and what happened when. */
export function scenarioText({ nodes, clockOffsetsMs, sets, actions }: Scenario): string {
  return [
    `${nodes === 1 ? 'one machine, its clock' : `${nodes} machines, their clocks`} off by ${clockOffsetsMs.join(', ')} ms`,
    ...sets.map(setText),
    ...actions.map(actionText),
  ].join('\n')
}

const setText = ({ name, ...plan }: SetPlan): string => `set ${name}: ${wordsOf(plan)}`

const actionText = (action: Action): string => `${momentText(action.atMs)}  ${deedText(action)}`

export const momentText = (ms: number): string => `${(ms / 1000).toFixed(3).padStart(8)} s`

export const deedText = ({ kind, atMs: _, ...rest }: Action): string => `${kind} ${wordsOf(rest)}`.trimEnd()

const wordsOf = (fields: object): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')

const EVENTS_MAX = 20

/** The last things that the parts of the cluster said of themselves, at the times by their own clocks. */
export async function eventsText(cluster: Cluster): Promise<string> {
  const { items } = await cluster.client.list(Event, {})
  const startedMs = cluster.clock.now().getTime() - cluster.clock.monotonicMs()
  const told = items.map(event => ({
    event,
    atMs: timeOf(event.lastTimestamp ?? event.firstTimestamp ?? '').getTime(),
  }))
  const lines = told
    .sort((a, b) => a.atMs - b.atMs)
    .slice(-EVENTS_MAX)
    .map(({ atMs, event: { involvedObject, reason, message, count = 1 } }) => {
      const times = count > 1 ? ` (${count} times)` : ''
      return `${momentText(Math.round((atMs - startedMs) / 1000) * 1000)}  ${involvedObject.kind} ${involvedObject.name} ${reason}: ${message}${times}`
    })
  return section('what was told last, by the clocks of those who told it', lines).join('\n')
}

export const section = (title: string, lines: readonly string[]): readonly string[] => [
  `${title}:`,
  ...lines.map(line => `  ${line}`),
]
