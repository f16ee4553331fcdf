import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Node } from '../../../api/core-v1/types.ts'
import type { Client } from '../../../client/client.ts'
import { parseKubeconfig } from '../../../client/kubeconfig.ts'
import { withoutSettings } from '../../config/cluster-config.ts'
import type { ClusterConfig } from '../../config/settings.ts'
import type { DataLayout } from '../../host/data-layout.ts'
import { adminClient, MACHINE_PROCESS_PREFIX, runningProcesses, SERVER_PROCESS } from '../../host/local-cluster.ts'
import type { PlannedMachine } from '../../host/machine-plan.ts'
import { type ProcessRecord, startDetached } from '../../host/processes.ts'
import { mergeIntoUserKubeconfig, userKubeconfigPath } from '../../kubeconfig/user-kubeconfig.ts'
import { linksFor, linksOf, saveLinks } from '../../machines/machine-links.ts'
import { ensureBridge, refuseForeignBridge } from '../../machines/machine-network.ts'
import { startMachine } from '../../machines/machine-process.ts'
import type { Step } from '../../steps.ts'
import type { CommandContext } from '../command-context.ts'
import { savedConfigPath } from './saved-config.ts'
import { nodesReady, serverAnswers } from './wait-until-usable.ts'

interface BringUpParts {
  readonly config: ClusterConfig
  readonly context: CommandContext
  readonly layout: DataLayout
  readonly machines: readonly PlannedMachine[]
  readonly running: ProcessRecord | undefined
}

/** The steps from nothing, or from a cluster that is up in part, to one that is usable. */
export class BringUp {
  readonly #parts: BringUpParts
  #processes: ProcessRecord[] = []
  /** Machines that were just started. */
  readonly #startedAt = new Map<string, string>()

  constructor(parts: BringUpParts) {
    this.#parts = parts
  }

  steps(): Step[] {
    const { machines, config } = this.#parts
    const isSeveral = machines.length > 1
    const wait: Step = {
      title: isSeveral ? 'Waiting until the machines are ready' : 'Waiting until the machine is ready',
      run: signal => this.#waitForNodes(signal),
    }
    return [
      { title: 'Starting the server', run: signal => this.#startServer(signal) },
      { title: 'Writing the kubeconfig', run: () => this.#writeKubeconfig() },
      ...(isSeveral
        ? [{ title: `Starting ${machines.length} machines`, run: (signal: AbortSignal) => this.#startMachines(signal) }]
        : []),
      ...(isSeveral || config.machine ? [wait] : []),
    ]
  }

  async #startServer(signal: AbortSignal): Promise<string> {
    const { layout, config, context, running, machines } = this.#parts
    if (machines.length > 1 && linksOf(layout).length === 0) await refuseForeignBridge()
    mkdirSync(layout.logs, { recursive: true })
    const process =
      running ??
      startDetached({
        name: SERVER_PROCESS,
        command: [...context.self, 'server', '--config', savedConfigPath(layout)],
        folder: layout.processes,
        log: join(layout.logs, 'server.log'),
        environment: withoutSettings(context.environment),
      })
    await serverAnswers(layout, process, signal)
    this.#processes = [process]
    if (!running && machines.length === 1) this.#startedAt.set(machines[0]!.name, process.startedAt)
    return `https://127.0.0.1:${config.port}`
  }

  async #writeKubeconfig(): Promise<string> {
    const { layout, context } = this.#parts
    const path = userKubeconfigPath(context.environment)
    mergeIntoUserKubeconfig(path, parseKubeconfig(readFileSync(layout.adminKubeconfig, 'utf8')))
    return `context "holdfast" in ${path}`
  }

  async #startMachines(signal: AbortSignal): Promise<undefined> {
    const { machines, layout } = this.#parts
    const links = linksFor(
      machines.map(({ name }) => name),
      linksOf(layout),
    )
    saveLinks(layout, links) // Before anything is made, so that "down" knows of whatever is.
    await ensureBridge()
    const alive = new Set(runningProcesses(layout).map(({ name }) => name))
    for (const [index, machine] of machines.entries()) {
      signal.throwIfAborted()
      if (alive.has(`${MACHINE_PROCESS_PREFIX}${machine.name}`)) continue
      const process = await startMachine(machine, links[index]!, this.#parts)
      this.#processes.push(process)
      this.#startedAt.set(machine.name, process.startedAt)
    }
    return undefined
  }

  async #waitForNodes(signal: AbortSignal): Promise<string> {
    const { layout, machines } = this.#parts
    await using admin = adminClient(layout)
    const names = machines.map(({ name }) => name)
    await nodesReady(admin.client, { names, processes: this.#processes, startedAt: this.#startedAt, signal })
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
