import { hostname } from 'node:os'
import { dnsLabelProblems } from '../../machinery/names.ts'
import type { ClusterConfig } from '../config/settings.ts'
import { CommandError } from '../terminal.ts'

/** One machine of a cluster that is to be. */
export interface PlannedMachine {
  readonly name: string
  readonly isControlPlane: boolean
}

/** Names and roles: one machine is the host itself under its own name; of several the first is the tainted `master`. */
export function plannedMachines({
  nodes,
  name: names,
}: Pick<ClusterConfig, 'nodes' | 'name'>): readonly PlannedMachine[] {
  if (names.length > nodes) {
    throw new CommandError(`--name gives ${names.length} names for ${nodes} machine${nodes === 1 ? '' : 's'}`, {
      advice: `Say --nodes ${names.length}, or fewer names.`,
    })
  }
  const defaults =
    nodes === 1
      ? [hostname().toLowerCase()]
      : ['master', ...Array.from({ length: nodes - 1 }, (_, n) => `node${n + 1}`)]
  const chosen = defaults.map((fallback, index) => names[index] ?? fallback)
  for (const name of chosen) checkName(name)
  const twice = chosen.find((name, index) => chosen.indexOf(name) !== index)
  if (twice)
    throw new CommandError(`two machines are called "${twice}"`, {
      advice: 'Give every machine a name of its own with --name.',
    })
  return chosen.map((name, index) => ({ name, isControlPlane: index === 0 }))
}

export function checkName(name: string): void {
  const [problem] = dnsLabelProblems(name)
  if (problem) throw new CommandError(`"${name}" cannot be the name of a machine: ${problem}`)
}
