import type { ClusterConfig } from '../../config/settings.ts'
import { claimDataDirectory } from '../../host/cluster-stamp.ts'
import { type DataLayout, dataLayoutOf } from '../../host/data-layout.ts'
import { serverProcess } from '../../host/local-cluster.ts'
import { lockFor } from '../../host/lock.ts'
import { plannedMachines } from '../../host/machine-plan.ts'
import { checkServer, requireRoot } from '../../host/preflight.ts'
import { type ProcessRecord, processRecords } from '../../host/processes.ts'
import { checkUserKubeconfig, removeFromUserKubeconfig, userKubeconfigPath } from '../../kubeconfig/user-kubeconfig.ts'
import { runSteps } from '../../steps.ts'
import { CommandError } from '../../terminal.ts'
import type { CommandContext } from '../command-context.ts'
import { type CleanMachine, emptyDataDirectory, stoppingSteps } from '../down/down.ts'
import { BringUp } from './bring-up.ts'
import { forgetConfig, refuseChanges, saveConfig, savedConfig } from './saved-config.ts'
import { lastWordsOf, NotReadyInTime } from './wait-until-usable.ts'

/**
 * Brings the cluster of a data directory up in the background, and returns when it is usable. On one that is up: adds
 * machines, starts what has ended, or says why not. What it began and could not end, or was not let end, it takes back.
 */
export async function up(config: ClusterConfig, context: CommandContext, cleanMachine: CleanMachine): Promise<void> {
  const startedMs = context.monotonicMs()
  const machines = plannedMachines(config)
  const layout = dataLayoutOf(config.dataDir)
  checkUserKubeconfig(userKubeconfigPath(context.environment))
  requireRoot(context.userId)
  const interruption = new AbortController()
  using _interruption = context.onInterrupt(() => interruption.abort(new Interrupted('interrupted')))
  using lock = lockFor(layout.lock, 'up')
  const running = serverProcess(layout)
  // Under the lock, since two looks at one port find each other there.
  if (!running) await checkServer({ ...config, path: context.environment.PATH ?? '' })
  claimDataDirectory(layout.stamp, context.version)
  const before = savedConfig(layout)
  if (before) refuseChanges(before, config, { isUp: running !== undefined })
  try {
    saveConfig(layout, config)
    const bringUp = new BringUp({ config, context, layout, machines, running })
    await runSteps(bringUp.steps(), context.terminal, { ...context, signal: interruption.signal })
  } catch (error) {
    if (running || error instanceof NotReadyInTime) throw error
    throw await takenBack(error, { layout, before, context, cleanMachine, lock })
  }
  const seconds = ((context.monotonicMs() - startedMs) / 1000).toFixed(1)
  const names = machines.map(({ name }) => name)
  context.terminal.out(`\n${closingText(names, running ? 'was up already' : `is up after ${seconds} s`)}`)
}

class Interrupted extends CommandError {}

interface Attempt {
  readonly layout: DataLayout
  /** The settings of the cluster, if there was one. */
  readonly before: ClusterConfig | undefined
  readonly context: CommandContext
  readonly cleanMachine: CleanMachine
  readonly lock: Disposable
}

/** Stops what was started. A cluster that never was leaves nothing but, when it failed, the logs that say why. */
async function takenBack(error: unknown, { layout, before, context, cleanMachine, lock }: Attempt): Promise<unknown> {
  const isInterrupted = error instanceof Interrupted
  const processes = processRecords(layout.processes)
  for (const step of stoppingSteps(layout, cleanMachine)) await step.run(new AbortController().signal)
  if (before) saveConfig(layout, before)
  else {
    removeFromUserKubeconfig(userKubeconfigPath(context.environment), layout)
    forgetConfig(layout)
    const kept = [layout.stamp, layout.lock, layout.logs]
    emptyDataDirectory(layout, isInterrupted ? [layout.lock] : kept)
  }
  if (!isInterrupted) return error instanceof CommandError ? error : (lastWords(processes) ?? error)
  lock[Symbol.dispose]()
  return new CommandError('interrupted, so everything that was started is stopped again', {
    advice: before ? `The data in ${layout.root} is as it was.` : 'Nothing is left of it.',
    exitCode: 130,
  })
}

/** Whatever was noticed first, the process that ended by itself knows why. */
const lastWords = (processes: readonly ProcessRecord[]): CommandError | undefined =>
  processes.map(lastWordsOf).find(words => words !== undefined)

function closingText(machines: readonly string[], how: string): string {
  const next = [
    ['kubectl get nodes', ''],
    ['kubectl apply -f examples/web.yaml && kubectl get pods -w', 'a StatefulSet of three with a disk each'],
    ['npx holdfast status', 'every part, and what is wrong with it'],
    ...(machines.length > 1 ? [[`npx holdfast node cut ${machines.at(-1)}`, 'a failure drill']] : []),
    ['npx holdfast down', 'stop; the data stays (--purge removes it)'],
  ] as const
  const width = Math.max(...next.map(([command]) => command.length))
  const lines = next.map(([command, what]) => `  ${what ? `${command.padEnd(width)}   # ${what}` : command}\n`)
  return `The cluster ${how}. Next:\n${lines.join('')}`
}
