import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Node } from '../../../api/core-v1/types.ts'
import type { Client } from '../../../client/client.ts'
import { parseKubeconfig } from '../../../client/kubeconfig.ts'
import type { ClusterConfig } from '../../config/settings.ts'
import { claimDataDirectory } from '../../host/cluster-stamp.ts'
import { type DataLayout, dataLayoutOf } from '../../host/data-layout.ts'
import { adminClient, runningProcesses, SERVER_PROCESS, serverProcess } from '../../host/local-cluster.ts'
import { lockFor } from '../../host/lock.ts'
import { type PlannedMachine, plannedMachines } from '../../host/machine-plan.ts'
import { checkMachine, requireRoot } from '../../host/preflight.ts'
import { type ProcessRecord, startDetached } from '../../host/processes.ts'
import { checkUserKubeconfig, mergeIntoUserKubeconfig, userKubeconfigPath } from '../../kubeconfig/user-kubeconfig.ts'
import { ensureBridge, machineLinkOf } from '../../machines/machine-network.ts'
import { startMachine } from '../../machines/machine-process.ts'
import { runSteps, type Step } from '../../steps.ts'
import { CommandError } from '../../terminal.ts'
import type { CommandContext } from '../command-context.ts'
import { changedSettings, saveConfig, savedConfig } from './saved-config.ts'
import { nodesReady, serverAnswers } from './wait-until-usable.ts'

/** Brings the cluster of a data directory up in the background, and returns when it is usable. Again on a running one: changes nothing. */
export async function up(config: ClusterConfig, context: CommandContext): Promise<void> {
  const startedMs = context.monotonicMs()
  const machines = plannedMachines(config)
  const layout = dataLayoutOf(config.dataDir)
  checkUserKubeconfig(userKubeconfigPath(context.environment))
  requireRoot(context.userId)
  using _lock = lockFor(layout.lock, 'up')
  const running = serverProcess(layout)
  // Under the lock, since two looks at one port find each other there.
  if (!running) await checkMachine({ ...config, path: context.environment.PATH ?? '' })
  claimDataDirectory(layout.stamp, context.version)
  if (running) refuseChanges(layout, config)
  else saveConfig(layout, config)
  const bringUp = new BringUp({ config, context, layout, machines, running })
  await runSteps(bringUp.steps(), context.terminal, context.monotonicMs)
  const seconds = ((context.monotonicMs() - startedMs) / 1000).toFixed(1)
  context.terminal.out(`\n${closingText(machines, running ? 'was up already' : `is up after ${seconds} s`)}`)
}

function refuseChanges(layout: DataLayout, config: ClusterConfig): void {
  const changed = changedSettings(savedConfig(layout), config)
  if (changed.length === 0) return
  throw new CommandError(`the cluster is up, and ${changed.join(', ')} cannot change while it is`, {
    advice:
      'Run "holdfast down" first; the data stays. Machines are added and removed with: holdfast node add|remove NAME',
  })
}

interface BringUpParts {
  readonly config: ClusterConfig
  readonly context: CommandContext
  readonly layout: DataLayout
  readonly machines: readonly PlannedMachine[]
  readonly running: ProcessRecord | undefined
}

class BringUp {
  readonly #parts: BringUpParts
  #processes: ProcessRecord[] = []

  constructor(parts: BringUpParts) {
    this.#parts = parts
  }

  steps(): Step[] {
    const { machines } = this.#parts
    const isSeveral = machines.length > 1
    return [
      { title: 'Starting the server', run: () => this.#startServer() },
      { title: 'Writing the kubeconfig', run: () => this.#writeKubeconfig() },
      ...(isSeveral ? [{ title: `Starting ${machines.length} machines`, run: () => this.#startMachines() }] : []),
      {
        title: isSeveral ? 'Waiting until the machines are ready' : 'Waiting until the machine is ready',
        run: () => this.#waitForNodes(),
      },
    ]
  }

  async #startServer(): Promise<string> {
    const { layout, config, context, running } = this.#parts
    mkdirSync(layout.logs, { recursive: true })
    const process =
      running ??
      startDetached({
        name: SERVER_PROCESS,
        command: [...context.self, 'server', '--config', join(layout.root, 'config.json')],
        folder: layout.processes,
        log: join(layout.logs, 'server.log'),
        environment: context.environment,
      })
    await serverAnswers(layout, process)
    this.#processes = [process]
    return `https://127.0.0.1:${config.port}`
  }

  async #writeKubeconfig(): Promise<string> {
    const { layout, context } = this.#parts
    const path = userKubeconfigPath(context.environment)
    mergeIntoUserKubeconfig(path, parseKubeconfig(readFileSync(layout.adminKubeconfig, 'utf8')))
    return `context "holdfast" in ${path}`
  }

  async #startMachines(): Promise<undefined> {
    const { machines, layout } = this.#parts
    await ensureBridge()
    const alive = new Set(runningProcesses(layout).map(({ name }) => name))
    const links = machines.map(({ name }, index) => machineLinkOf(name, index))
    for (const [index, machine] of machines.entries()) {
      if (!alive.has(`machine-${machine.name}`))
        this.#processes.push(await startMachine(machine, links[index]!, this.#parts))
    }
    writeFileSync(join(layout.root, 'machines.json'), `${JSON.stringify(links, null, 2)}\n`)
    return undefined
  }

  async #waitForNodes(): Promise<string> {
    const { layout, machines } = this.#parts
    await using admin = adminClient(layout)
    const names = machines.map(({ name }) => name)
    await nodesReady(admin.client, names, this.#processes)
    if (machines.length > 1) await markControlPlane(admin.client, machines)
    return names.join(', ')
  }
}

/** A machine may not say of itself that it is the control plane (NodeRestriction), so an administrator does. */
async function markControlPlane(client: Client, machines: readonly PlannedMachine[]): Promise<void> {
  const body = { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }
  for (const { name, isControlPlane } of machines) {
    if (isControlPlane) await client.patch(Node, { name }, { type: 'merge', body })
  }
}

const closingText = (machines: readonly PlannedMachine[], how: string): string =>
  [
    `The cluster ${how}. Next:`,
    '  kubectl get nodes',
    '  kubectl apply -f examples/web.yaml && kubectl get pods -w     # a StatefulSet of three with a disk each',
    '  npx holdfast status                                           # every part, and what is wrong with it',
    ...(machines.length > 1
      ? [`  npx holdfast node cut ${machines.at(-1)!.name}                                    # a failure drill`]
      : []),
    '  npx holdfast down                                             # stop; the data stays (--purge removes it)',
    '',
  ].join('\n')
