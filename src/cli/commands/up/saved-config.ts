import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { clusterConfigFrom, dnsAddressIn } from '../../config/cluster-config.ts'
import { type ClusterConfig, clusterSettings, type SettingName } from '../../config/settings.ts'
import type { DataLayout } from '../../host/data-layout.ts'
import { plannedMachines } from '../../host/machine-plan.ts'
import { replaceFile } from '../../host/replace-file.ts'
import { CommandError } from '../../terminal.ts'

/** Data and machines are made with these. */
const SETTLED: ReadonlySet<SettingName> = new Set([
  'nodes',
  'name',
  'store',
  'podCidr',
  'serviceCidr',
  'clusterDns',
  'clusterDomain',
])

export const savedConfigPath = ({ root }: DataLayout): string => join(root, 'config.json')

/** Keeps the settings that a cluster was started with, in the form that `--config` reads. */
export function saveConfig(layout: DataLayout, { clusterDns, ...config }: ClusterConfig): void {
  const isDerived = clusterDns === dnsAddressIn(config.serviceCidr) // Then it follows the range, should that be said anew.
  const kept = isDerived ? config : { ...config, clusterDns }
  replaceFile(savedConfigPath(layout), `${JSON.stringify(kept, null, 2)}\n`)
}

export const forgetConfig = (layout: DataLayout): void => rmSync(savedConfigPath(layout), { force: true })

/** Undefined where no cluster was started. What another version kept and this one does not know is left out. */
export function savedConfig(layout: DataLayout): ClusterConfig | undefined {
  const before = savedSettings(layout)
  return before && clusterConfigFrom({ flags: {}, environment: {}, before })
}

/** Only what was said or has a default of its own; what is derived from that is not in it. */
export function savedSettings(layout: DataLayout): Readonly<Record<string, unknown>> | undefined {
  const path = savedConfigPath(layout)
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  } catch (cause) {
    throw new CommandError(`${path} is not readable: ${(cause as Error).message}`, {
      advice: 'It holds the settings of the cluster. Remove it, and say them again with flags.',
      cause,
    })
  }
}

/** Throws a `CommandError` that names the flags which cannot be followed. More machines than before are always fine. */
export function refuseChanges(before: ClusterConfig, after: ClusterConfig, { isUp }: { isUp: boolean }): void {
  const changed = (Object.keys(clusterSettings) as SettingName[])
    .filter(name => !isDeepStrictEqual(before[name], after[name]))
    .filter(name => isUp || SETTLED.has(name))
    .filter(name => !((name === 'nodes' || name === 'name') && addsMachines(before, after)))
  if (changed.length === 0) return
  const flags = changed.map(name => `--${clusterSettings[name].flag}`).join(', ')
  const advice = [
    ...(changed.every(name => !SETTLED.has(name)) ? ['Run "holdfast down" first; the data stays.'] : []),
    ...(changed.some(name => SETTLED.has(name))
      ? [
          'A cluster keeps what it was made with: choose another --data-dir, or begin anew after "holdfast down --purge".',
        ]
      : []),
    ...(changed.includes('nodes') && before.nodes > 1 ? ['Machines go one by one: holdfast node remove NAME'] : []),
  ].join('\n')
  const problem = isUp
    ? `the cluster is up, and ${flags} cannot change while it is`
    : `this cluster was made with another ${flags}`
  throw new CommandError(problem, { advice })
}

/** A cluster on the host itself stays so. */
function addsMachines(before: ClusterConfig, after: ClusterConfig): boolean {
  if (before.nodes === 1 || after.nodes < before.nodes) return false
  const [old, wanted] = [before, after].map(config => plannedMachines(config).map(({ name }) => name))
  return old!.every((name, index) => wanted![index] === name)
}
