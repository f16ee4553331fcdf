import { Node } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import { isStatusError } from '../../machinery/status.ts'
import { timeOf } from '../../machinery/time.ts'
import type { MachineDoors, MachineFacts } from '../doors.ts'
import type { KubeletConfig } from '../kubelet-config.ts'
import { isSameNodeStatus, newNodeOf, nodeStatusOf, type Pressure } from './node-status.ts'

export interface NodeKeeperOptions {
  readonly nodeName: string
  readonly client: Client
  readonly doors: MachineDoors
  readonly clock: Clock
  readonly logger: Logger
  readonly events: EventRecorder
  readonly config: KubeletConfig
  readonly facts: MachineFacts
  readonly pressure: () => Pressure
  readonly isShuttingDown: () => boolean
}

/** A status that has not changed is still written this often, as upstream does. */
const REPORT_MS = 300_000
/** While the machine is not ready it is looked at this often, so that nobody waits for a whole interval. */
const NOT_READY_LOOK_MS = 100
const RETRY_MS_MIN = 200
const RETRY_MS_MAX = 7_000

/** Registers the machine and keeps its Node's status true. */
export class NodeKeeper {
  readonly #options: NodeKeeperOptions

  constructor(options: NodeKeeperOptions) {
    this.#options = options
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#options
    const node = await this.#registered(signal)
    if (node) this.#tellStart(node)
    while (!signal.aborted) {
      const isReady = await this.#update().catch(error => {
        this.#options.logger.warn({ error }, 'could not write the status of the node')
        return false
      })
      await clock.sleep(isReady ? config.statusIntervalMs : NOT_READY_LOOK_MS, signal).catch(() => {}) // Aborted: the loop ends.
    }
  }

  async #registered(signal: AbortSignal): Promise<Node | undefined> {
    const { clock, logger } = this.#options
    for (let delayMs = RETRY_MS_MIN; !signal.aborted; delayMs = Math.min(delayMs * 2, RETRY_MS_MAX)) {
      try {
        return await this.#register()
      } catch (error) {
        logger.warn({ error }, 'could not register the node; trying again')
        await clock.sleep(delayMs, signal).catch(() => {}) // Aborted: the loop ends.
      }
    }
    return undefined
  }

  async #register(): Promise<Node | undefined> {
    const { client, nodeName, facts, config } = this.#options
    const found = await client.find(Node, { name: nodeName })
    if (!found && !config.registersNode) return undefined
    const wanted = newNodeOf(nodeName, facts, config)
    if (!found) {
      const status = await this.#status(undefined)
      try {
        return await client.create(Node, { ...wanted, status })
      } catch (error) {
        if (!isStatusError(error, 'AlreadyExists')) throw error
        return this.#register()
      }
    }
    const { labels } = wanted.metadata
    const isLabelled = Object.entries(labels ?? {}).every(([key, value]) => found.metadata.labels?.[key] === value)
    if (isLabelled) return found
    return client.patch(Node, { name: nodeName }, { type: 'merge', body: { metadata: { labels: labels ?? {} } } })
  }

  /** Resolves with whether the machine can run Pods. */
  async #update(): Promise<boolean> {
    const { client, nodeName, clock } = this.#options
    const node = await client.find(Node, { name: nodeName })
    if (!node) {
      if (this.#options.config.registersNode) await this.#register() // Someone deleted it while we live: we are back.
      return false
    }
    const status = await this.#status(node.status)
    const heartbeat = node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime
    // Either way: a clock that was set back must not silence the machine until it has caught up.
    const isDue = !heartbeat || Math.abs(clock.now().getTime() - timeOf(heartbeat).getTime()) >= REPORT_MS
    const isReady = status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false
    if (!isDue && isSameNodeStatus(status, node.status)) return isReady
    try {
      await client.updateStatus(Node, { ...node, status })
      return isReady
    } catch (error) {
      if (!isStatusError(error, 'Conflict')) throw error
      return this.#update()
    }
  }

  async #status(known: Node['status'] | undefined): Promise<Node['status']> {
    const { doors, facts, config, clock, pressure } = this.#options
    const problem = this.#options.isShuttingDown() ? 'node is shutting down' : await this.#problem()
    const [runtime, disk, images] = await Promise.all([
      doors.runtime.version().catch(() => ({ name: 'containerd', version: 'unknown' })),
      doors.disk.fileSystemUsage(config.rootDirectory),
      doors.runtime.listImages().catch(() => []),
    ])
    return nodeStatusOf({
      facts,
      config,
      runtime,
      disk,
      images,
      pressure: pressure(),
      now: clock.now(),
      ...(problem && { problem }),
      ...(known && { known }),
    })
  }

  async #problem(): Promise<string | undefined> {
    try {
      const { runtimeProblem, networkProblem } = await this.#options.doors.runtime.readiness()
      if (runtimeProblem) return `container runtime not ready: ${runtimeProblem}`
      return networkProblem && `container runtime network not ready: ${networkProblem}`
    } catch (error) {
      return `container runtime is down: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  #tellStart(node: Node): void {
    const { events } = this.#options
    events.record(node, { type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' })
  }
}
