import { existsSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { isDataDirectory } from '../../host/cluster-stamp.ts'
import { type DataLayout, dataLayoutOf } from '../../host/data-layout.ts'
import { MACHINE_PROCESS_PREFIX, SERVER_PROCESS, serverProcess } from '../../host/local-cluster.ts'
import { lockFor } from '../../host/lock.ts'
import { KUBELET_PORT, requireRoot } from '../../host/preflight.ts'
import { endProcess, forgetProcess, isRunning, type ProcessRecord, processRecords } from '../../host/processes.ts'
import { removeFromUserKubeconfig, userKubeconfigPath } from '../../kubeconfig/user-kubeconfig.ts'
import { linksOf } from '../../machines/machine-links.ts'
import { removeBridge, removeMachineLink } from '../../machines/machine-network.ts'
import { runSteps, type Step } from '../../steps.ts'
import { CommandError } from '../../terminal.ts'
import type { CommandContext } from '../command-context.ts'

/** Removes what is left of one machine: containers, mounts, interfaces, rules. Handed in, as it reaches into the machine. */
export type CleanMachine = (options: { readonly dataDir: string; readonly namespacePath?: string }) => Promise<void>

const STOP_GRACE_MS = 2000

/**
 * Stops the cluster of a data directory and leaves no process, mount, interface, rule or namespace of it. Data stays
 * unless purged. Ctrl-C does not stop it halfway; whatever ends it all the same, the next `down` goes on from there.
 */
export async function down(
  { dataDir, purge }: { readonly dataDir: string; readonly purge: boolean },
  context: CommandContext,
  cleanMachine: CleanMachine,
): Promise<void> {
  const { terminal, monotonicMs } = context
  const layout = dataLayoutOf(dataDir)
  if (!isDataDirectory(layout.stamp)) {
    terminal.out(`There is no cluster in ${dataDir}.\n`)
    return
  }
  requireRoot(context.userId)
  using lock = lockFor(layout.lock, 'down')
  await refuseService(layout)
  using _interruption = context.onInterrupt(() =>
    terminal.error('Going on to the end, so that nothing is left half stopped. Ctrl-C once more ends this at once.\n'),
  )
  const steps: Step[] = [
    ...stoppingSteps(layout, cleanMachine),
    ...(purge ? [{ title: `Removing ${dataDir}`, run: () => removeData(layout, context, lock) }] : []),
  ]
  await runSteps(steps, terminal, { monotonicMs })
  terminal.out(
    purge
      ? 'The cluster and its data are gone.\n'
      : `The cluster is down. Its data is in ${dataDir}; "holdfast up" continues with it.\n`,
  )
}

/** What a service manager started would go on in the middle of what is taken away, and be started again. */
async function refuseService(layout: DataLayout): Promise<void> {
  if (serverProcess(layout)) return
  const isServer = await answers({ path: layout.storeSocket })
  const isAgent = isMachineItself(layout) && (await answers({ port: KUBELET_PORT, host: '127.0.0.1' }))
  if (!isServer && !isAgent) return
  throw new CommandError(
    `a ${isServer ? 'server' : 'machine'} runs on ${layout.root} that "holdfast up" did not start`,
    {
      advice: 'Stop it first where it was started, for example with: systemctl stop holdfast',
    },
  )
}

function answers(
  address: { readonly path: string } | { readonly port: number; readonly host: string },
): Promise<boolean> {
  const socket = connect(address)
  return new Promise<boolean>(resolve => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  }).finally(() => socket.destroy())
}

/** Of an agent: the data directory is that of the one machine. */
const isMachineItself = ({ root }: DataLayout): boolean => existsSync(join(root, 'containerd'))

/** Everything of the cluster but its data. */
export const stoppingSteps = (layout: DataLayout, cleanMachine: CleanMachine): readonly Step[] => [
  { title: 'Stopping the processes', run: () => stopProcesses(layout) },
  { title: 'Removing containers, mounts and network', run: () => cleanMachines(layout, cleanMachine) },
]

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
  if (isMachineItself(layout)) await cleanMachine({ dataDir: layout.root })
  await Promise.all(
    links.map(async ({ name, namespacePath }) => {
      await cleanMachine({ dataDir: layout.machine(name), namespacePath })
      await removeMachineLink(name)
    }),
  )
  if (links.length > 0) await removeBridge()
  return undefined
}

async function removeData(layout: DataLayout, { environment }: CommandContext, lock: Disposable): Promise<undefined> {
  removeFromUserKubeconfig(userKubeconfigPath(environment), layout)
  emptyDataDirectory(layout, [layout.stamp, layout.lock])
  lock[Symbol.dispose]() // The lock lies in what is removed.
  rmSync(layout.root, { recursive: true, force: true })
  return undefined
}

/** The stamp goes last or not at all: by it the next command knows whose the directory is. */
export function emptyDataDirectory({ root }: DataLayout, except: readonly string[]): void {
  const kept = new Set(except.map(path => basename(path)))
  if (!existsSync(root)) return
  for (const name of readdirSync(root)) if (!kept.has(name)) rmSync(join(root, name), { recursive: true, force: true })
}
