import { existsSync } from 'node:fs'
import { Node, Pod } from '../../api/core-v1/types.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { CommandContext } from '../commands/command-context.ts'
import type { CleanMachine } from '../commands/down/down.ts'
import { saveConfig, savedConfig } from '../commands/up/saved-config.ts'
import { nodesReady } from '../commands/up/wait-until-usable.ts'
import type { ClusterConfig } from '../config/settings.ts'
import { type DataLayout, dataLayoutOf } from '../host/data-layout.ts'
import { adminClient, MACHINE_PROCESS_PREFIX, runningProcesses, serverProcess } from '../host/local-cluster.ts'
import { checkName, plannedMachines } from '../host/machine-plan.ts'
import { endProcess, forgetProcess } from '../host/processes.ts'
import { nearestTo } from '../nearest.ts'
import { CommandError } from '../terminal.ts'
import { linksFor, linksOf, saveLinks } from './machine-links.ts'
import { cutMachine, ensureBridge, healMachine, type MachineLink, removeMachineLink } from './machine-network.ts'
import { startMachine } from './machine-process.ts'

/** Ends every process of a machine at once, as a power failure does. Handed in, as it reaches into the machine. */
export type PowerOff = (options: { readonly dataDir: string; readonly namespacePath: string }) => Promise<void>

/** Failures and changes of the machines that `up --nodes` made on this host. */
export class MachineDrills {
  readonly #layout: DataLayout
  readonly #context: CommandContext
  readonly #doors: { readonly cleanMachine: CleanMachine; readonly powerOff: PowerOff }

  constructor(dataDir: string, context: CommandContext, doors: { cleanMachine: CleanMachine; powerOff: PowerOff }) {
    this.#layout = dataLayoutOf(dataDir)
    this.#context = context
    this.#doors = doors
    if (!serverProcess(this.#layout))
      throw new CommandError(`no cluster is up in ${dataDir}`, { advice: 'Start one with: holdfast up --nodes 3' })
  }

  /** Pulls the cable: its Pods run on, nobody reaches them. */
  async cut(name: string): Promise<string> {
    await cutMachine(this.#linkOf(name).name)
    return `machine "${name}" is cut off; its Pods run on where nobody sees them`
  }

  async heal(name: string): Promise<string> {
    await healMachine(this.#linkOf(name).name)
    return `machine "${name}" is connected again`
  }

  /** Takes the power away: every process on it ends at once. */
  async stop(name: string): Promise<string> {
    const { namespacePath } = this.#linkOf(name)
    const record = this.#processOf(name)
    if (record) await endProcess(record, 0)
    await this.#doors.powerOff({ dataDir: this.#layout.machine(name), namespacePath })
    return `machine "${name}" is off`
  }

  async start(name: string): Promise<string> {
    const link = this.#linkOf(name)
    if (this.#processOf(name)) return `machine "${name}" is on already`
    await this.#run(name, link)
    return `machine "${name}" is ready`
  }

  async add(name: string): Promise<string> {
    checkName(name)
    const links = linksOf(this.#layout)
    if (links.length === 0) {
      throw new CommandError('this cluster runs on the host itself, so no machine can be added beside it', {
        advice: 'Start it with several machines: holdfast down && holdfast up --nodes 2',
      })
    }
    if (links.some(link => link.name === name)) throw new CommandError(`there is a machine "${name}" already`)
    const names = [...links.map(link => link.name), name]
    const all = linksFor(names, links)
    this.#keep(all) // Before it is made, so that "down" knows of it.
    await ensureBridge()
    await this.#run(name, all.at(-1)!)
    return `machine "${name}" is ready`
  }

  /** Takes the machine out of the cluster and removes its data, local volumes included. */
  async remove(name: string): Promise<string> {
    const { namespacePath } = this.#linkOf(name)
    const rest = linksOf(this.#layout).filter(link => link.name !== name)
    if (plannedMachines(this.#config).some(machine => machine.isControlPlane && machine.name === name))
      throw new CommandError(`machine "${name}" is the control plane, and stays`, {
        advice: 'End all with: holdfast down',
      })
    if (rest.length < 2)
      throw new CommandError('a cluster of several machines keeps two', { advice: 'End all with: holdfast down' })
    await this.stop(name)
    forgetProcess(this.#layout.processes, `${MACHINE_PROCESS_PREFIX}${name}`)
    await this.#doors.cleanMachine({ dataDir: this.#layout.machine(name), namespacePath })
    await removeMachineLink(name)
    await this.#deleteNode(name)
    await this.#deletePods(name)
    this.#keep(rest)
    return `machine "${name}" is gone`
  }

  async #run(name: string, link: MachineLink): Promise<void> {
    const config = this.#config
    const planned = plannedMachines(config).find(machine => machine.name === name)
    const machine = planned ?? { name, isControlPlane: false }
    const process = await startMachine(machine, link, { config, layout: this.#layout, context: this.#context })
    await using admin = adminClient(this.#layout)
    await nodesReady(admin.client, {
      names: [name],
      processes: [process],
      startedAt: new Map([[name, process.startedAt]]),
    })
  }

  async #deleteNode(name: string): Promise<void> {
    await using admin = adminClient(this.#layout)
    await admin.client.delete(Node, { name }).catch(error => {
      if (!isStatusError(error, 'NotFound')) throw error
    })
  }

  /** Nothing runs on a machine that is gone, so nobody has to wait until that is certain. */
  async #deletePods(machine: string): Promise<void> {
    await using admin = adminClient(this.#layout)
    const { items } = await admin.client.list(Pod, { fieldSelector: `spec.nodeName=${machine}` })
    for (const { metadata } of items) {
      const { namespace = '', name, uid = '' } = metadata
      const options = { gracePeriodSeconds: 0, preconditions: { uid } }
      await admin.client.delete(Pod, { namespace, name }, options).catch(error => {
        if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error
      })
    }
  }

  #processOf(name: string) {
    return runningProcesses(this.#layout).find(process => process.name === `${MACHINE_PROCESS_PREFIX}${name}`)
  }

  #linkOf(name: string): MachineLink {
    const links = linksOf(this.#layout)
    const link = links.find(candidate => candidate.name === name)
    if (link && existsSync(link.namespacePath)) return link
    const names = links.map(candidate => candidate.name)
    const near = nearestTo(name, names)
    throw new CommandError(
      `there is no machine "${name}" that was made here${names.length > 0 ? `; there are: ${names.join(', ')}` : ''}`,
      {
        ...(near && near !== name && { advice: `Did you mean "${near}"?` }),
      },
    )
  }

  get #config(): ClusterConfig {
    return savedConfig(this.#layout)!
  }

  /** These are the machines from now on, also for the next "up". */
  #keep(links: readonly MachineLink[]): void {
    saveConfig(this.#layout, { ...this.#config, nodes: links.length, name: links.map(({ name }) => name) })
    saveLinks(this.#layout, links)
  }
}
