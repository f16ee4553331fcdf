import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DataLayout } from '../../host/data-layout.ts'
import { dataLayoutOf } from '../../host/data-layout.ts'
import { MACHINE_PROCESS_PREFIX, SERVER_PROCESS } from '../../host/local-cluster.ts'
import { lockFor } from '../../host/lock.ts'
import { endProcess, forgetProcess, isRunning, type ProcessRecord, processRecords } from '../../host/processes.ts'
import { removeFromUserKubeconfig, userKubeconfigPath } from '../../kubeconfig/user-kubeconfig.ts'
import { type MachineLink, removeBridge, removeMachineLink } from '../../machines/machine-network.ts'
import { runSteps, type Step } from '../../steps.ts'
import type { CommandContext } from '../command-context.ts'

/** Removes what is left of one machine: containers, mounts, interfaces, rules. Handed in, as it reaches into the machine. */
export type CleanMachine = (options: { readonly dataDir: string; readonly namespacePath?: string }) => Promise<void>

const STOP_GRACE_MS = 2000

/** Stops the cluster of a data directory and leaves no process, mount, interface, rule or namespace of it. Data stays unless purged. */
export async function down(
  { dataDir, purge }: { readonly dataDir: string; readonly purge: boolean },
  context: CommandContext,
  cleanMachine: CleanMachine,
): Promise<void> {
  const layout = dataLayoutOf(dataDir)
  if (!existsSync(layout.root)) {
    context.terminal.out(`There is no cluster in ${dataDir}.\n`)
    return
  }
  using lock = lockFor(layout.lock, 'down')
  const steps: Step[] = [
    { title: 'Stopping the processes', run: () => stopProcesses(layout) },
    { title: 'Removing containers, mounts and network', run: () => cleanMachines(layout, cleanMachine) },
    ...(purge ? [{ title: `Removing ${dataDir}`, run: () => removeData(layout, context, lock) }] : []),
  ]
  await runSteps(steps, context.terminal, context.monotonicMs)
  context.terminal.out(
    purge
      ? 'The cluster and its data are gone.\n'
      : `The cluster is down. Its data is in ${dataDir}; "holdfast up" continues with it.\n`,
  )
}

/** Machines first, so that nothing they still report is lost on the server. */
async function stopProcesses(layout: DataLayout): Promise<string> {
  const records = processRecords(layout.processes)
  const isMachine = ({ name }: ProcessRecord): boolean => name.startsWith(MACHINE_PROCESS_PREFIX)
  const running = records.filter(isRunning).length
  await Promise.all(records.filter(isMachine).map(record => endProcess(record, STOP_GRACE_MS)))
  await Promise.all(records.filter(record => !isMachine(record)).map(record => endProcess(record, STOP_GRACE_MS)))
  for (const { name } of records) forgetProcess(layout.processes, name)
  return `${running} ended`
}

async function cleanMachines(layout: DataLayout, cleanMachine: CleanMachine): Promise<undefined> {
  const links = linksOf(layout)
  if (links.length === 0) await cleanMachine({ dataDir: layout.machine(SERVER_PROCESS) })
  await Promise.all(
    links.map(async ({ name, namespacePath }) => {
      await cleanMachine({ dataDir: layout.machine(name), namespacePath })
      await removeMachineLink(name)
    }),
  )
  if (links.length > 0) await removeBridge()
  return undefined
}

export function linksOf({ root }: DataLayout): readonly MachineLink[] {
  const path = join(root, 'machines.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as MachineLink[]) : []
}

async function removeData(layout: DataLayout, { environment }: CommandContext, lock: Disposable): Promise<undefined> {
  lock[Symbol.dispose]() // The lock lies in what is removed.
  rmSync(layout.root, { recursive: true, force: true })
  removeFromUserKubeconfig(userKubeconfigPath(environment))
  return undefined
}
