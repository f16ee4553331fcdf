import type { Clock } from '../../machinery/clock.ts'
import {
  type ContainerConfig,
  type ContainerRecord,
  type ContainerResources,
  type ContainerRuntime,
  type ContainerUsage,
  type ExecResult,
  type FileSystemUsage,
  type Image,
  isRuntimeError,
  type MachineDisk,
  type PortConnection,
  type ProcessStreams,
  type RegistryCredentials,
  RuntimeError,
  type RuntimeEvent,
  type Sandbox,
  type SandboxConfig,
  type StreamsWanted,
} from '../doors.ts'
import { EventQueue } from '../event-queue.ts'
import { attachTo, openExec, openPort } from '../streams/cri-streams.ts'
import { type ContainerdEvent, containerdEvents, EXEC_STARTED } from './containerd-events.ts'
import { criContainerConfigOf, criResourcesOf, criSandboxConfigOf, LABEL } from './cri-configs.ts'
import { containerFrom, imageFrom, sandboxFrom, usageFrom } from './cri-records.ts'
import { ExecProcesses, type ExecTurn } from './exec-processes.ts'
import type { CriChannel } from './grpc-channel.ts'

export interface CriRuntimeOptions {
  readonly channel: CriChannel
  readonly clock: Clock
  /** Measures the file system of the images. */
  readonly disk: Pick<MachineDisk, 'fileSystemUsage'>
}

const PULL_TIMEOUT_MS = 3_600_000
const SANDBOX_TIMEOUT_MS = 240_000
/** What a stop may take beyond its grace. */
const STOP_SPARE_MS = 120_000
/** containerd tells of an exit a moment before its CRI side knows of it. */
const SETTLE_TRIES = 40
const SETTLE_MS = 15

/** containerd, or whatever speaks CRI v1, as the kubelet's container runtime. */
export class CriRuntime implements ContainerRuntime {
  readonly #channel: CriChannel
  readonly #clock: Clock
  readonly #disk: CriRuntimeOptions['disk']
  readonly #execs: ExecProcesses

  constructor({ channel, clock, disk }: CriRuntimeOptions) {
    this.#execs = new ExecProcesses({ channel, clock })
    this.#channel = channel
    this.#clock = clock
    this.#disk = disk
  }

  async version(): Promise<{ name: string; version: string }> {
    const { runtime_name: name, runtime_version: version } = await this.#channel.runtime('Version', { version: 'v1' })
    return { name, version: version.replace(/^v/, '') }
  }

  async readiness(): Promise<{ runtimeProblem?: string; networkProblem?: string }> {
    const { status } = await this.#channel.runtime('Status', {})
    const problem = (type: string): string | undefined => {
      const condition = status.conditions.find(found => found.type === type)
      return condition?.status ? undefined : `${condition?.reason ?? 'Unknown'}: ${condition?.message ?? ''}`
    }
    const runtimeProblem = problem('RuntimeReady')
    const networkProblem = problem('NetworkReady')
    return { ...(runtimeProblem && { runtimeProblem }), ...(networkProblem && { networkProblem }) }
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    const request = { config: criSandboxConfigOf(config) }
    return (await this.#channel.runtime('RunPodSandbox', request, SANDBOX_TIMEOUT_MS)).pod_sandbox_id
  }

  async stopSandbox(id: string): Promise<void> {
    await ignoringMissing(this.#channel.runtime('StopPodSandbox', { pod_sandbox_id: id }, SANDBOX_TIMEOUT_MS))
  }

  async removeSandbox(id: string): Promise<void> {
    await this.stopSandbox(id)
    await ignoringMissing(this.#channel.runtime('RemovePodSandbox', { pod_sandbox_id: id }, SANDBOX_TIMEOUT_MS))
  }

  async listSandboxes(filter?: { readonly podUid: string }): Promise<readonly Sandbox[]> {
    const request = filter ? { filter: { label_selector: { [LABEL.podUid]: filter.podUid } } } : {}
    const { items } = await this.#channel.runtime('ListPodSandbox', request)
    const sandboxes = await Promise.all(
      items.map(async listed => {
        if (listed.state !== 'SANDBOX_READY') return sandboxFrom(listed, undefined)
        const answer = await ignoringMissing(this.#channel.runtime('PodSandboxStatus', { pod_sandbox_id: listed.id }))
        return answer && sandboxFrom(listed, answer.status)
      }),
    )
    return sandboxes.filter(found => found !== undefined).sort(byNewest)
  }

  async createContainer(options: {
    sandboxId: string
    sandbox: SandboxConfig
    container: ContainerConfig
  }): Promise<string> {
    const { sandboxId, sandbox, container } = options
    const request = {
      pod_sandbox_id: sandboxId,
      config: criContainerConfigOf(container, sandbox),
      sandbox_config: criSandboxConfigOf(sandbox),
    }
    return (await this.#channel.runtime('CreateContainer', request)).container_id
  }

  async startContainer(id: string): Promise<void> {
    await this.#channel.runtime('StartContainer', { container_id: id })
  }

  async stopContainer(id: string, graceMs: number): Promise<void> {
    const request = { container_id: id, timeout: Math.ceil(graceMs / 1000) }
    await ignoringMissing(this.#channel.runtime('StopContainer', request, graceMs + STOP_SPARE_MS))
  }

  async removeContainer(id: string): Promise<void> {
    await ignoringMissing(this.#channel.runtime('RemoveContainer', { container_id: id }))
  }

  async listContainers(filter?: { readonly podUid: string }): Promise<readonly ContainerRecord[]> {
    const request = filter ? { filter: { label_selector: { [LABEL.podUid]: filter.podUid } } } : {}
    const { containers } = await this.#channel.runtime('ListContainers', request)
    const records = await Promise.all(
      containers.map(async ({ id, pod_sandbox_id: sandboxId }) => {
        const answer = await ignoringMissing(this.#channel.runtime('ContainerStatus', { container_id: id }))
        return answer && containerFrom(answer.status, sandboxId)
      }),
    )
    return records.filter(found => found !== undefined).sort(byNewest)
  }

  async updateResources(id: string, resources: ContainerResources): Promise<void> {
    await this.#channel.runtime('UpdateContainerResources', { container_id: id, linux: criResourcesOf(resources) })
  }

  async reopenLog(id: string): Promise<void> {
    await this.#channel.runtime('ReopenContainerLog', { container_id: id })
  }

  async *events(signal: AbortSignal): AsyncIterable<RuntimeEvent> {
    const queue = new EventQueue<RuntimeEvent>({ onDrop: { kind: 'lagged' } })
    const left = new AbortController()
    const forwarding = this.#forward(queue, AbortSignal.any([signal, left.signal]))
    try {
      yield* queue.read(signal)
    } finally {
      left.abort()
      await forwarding
    }
  }

  /** Each event as soon as CRI shows what it tells of; a slow one holds up no other. */
  async #forward(queue: EventQueue<RuntimeEvent>, signal: AbortSignal): Promise<void> {
    for await (const event of containerdEvents(this.#channel, { clock: this.#clock, signal })) {
      if (!event) {
        this.#execs.isListening = true
        queue.push({ kind: 'lagged' })
      } else if (event.execId !== undefined) this.#noteExec(event, event.execId)
      else if (event.topic === '/tasks/exit') void this.#afterExit(event.id).then(settled => queue.push(settled))
      else queue.push({ kind: 'changed', id: event.id })
    }
    this.#execs.isListening = false
  }

  #noteExec({ topic, id }: ContainerdEvent, execId: string): void {
    if (topic === EXEC_STARTED) this.#execs.noteStarted(id, execId)
  }

  async execSync(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    const turn = await this.#execs.turn(id)
    try {
      const timeout = Math.ceil(timeoutMs / 1000)
      const request = { container_id: id, cmd: command, timeout }
      const { stdout, stderr, exit_code } = await this.#channel.runtime('ExecSync', request, timeoutMs + STOP_SPARE_MS)
      return { stdout, stderr, exitCode: exit_code }
    } finally {
      turn.over()
    }
  }

  async exec(
    id: string,
    { command, ...wanted }: StreamsWanted & { readonly command: readonly string[] },
    signal: AbortSignal,
  ): Promise<ProcessStreams> {
    const turn = await this.#execs.turn(id)
    try {
      const { url } = await this.#channel.runtime('Exec', { container_id: id, cmd: command, ...askedOf(wanted) })
      const streams = await openExec(url, { wanted, signal })
      this.#endWithClient(id, { turn, ended: streams.ended, signal })
      return streams
    } catch (error) {
      turn.over()
      throw error
    }
  }

  /** A command whose client has vanished ends: nobody reads what it prints, and containerd keeps a connection for it. */
  #endWithClient(
    id: string,
    { turn, ended, signal }: { turn: ExecTurn; ended: Promise<number>; signal: AbortSignal },
  ): void {
    const abort = async (): Promise<void> => {
      const execId = await turn.started
      if (execId !== undefined) await this.#execs.end(id, execId)
    }
    const onAbort = (): void => void abort()
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    const forget = (): void => {
      if (signal.aborted) return // The stream has ended because the client is gone, not the process.
      signal.removeEventListener('abort', onAbort)
      turn.over()
    }
    ended.then(forget, forget)
  }

  async attach(id: string, wanted: StreamsWanted, signal: AbortSignal): Promise<ProcessStreams> {
    const { url } = await this.#channel.runtime('Attach', { container_id: id, ...askedOf(wanted) })
    return attachTo(url, { wanted, signal })
  }

  async portForward(sandboxId: string, port: number, signal: AbortSignal): Promise<PortConnection> {
    const { url } = await this.#channel.runtime('PortForward', { pod_sandbox_id: sandboxId, port: [port] })
    return openPort(url, { port, signal })
  }

  async findImage(reference: string): Promise<Image | undefined> {
    const { image } = await this.#channel.images('ImageStatus', { image: { image: reference } })
    return image ? imageFrom(image) : undefined
  }

  async listImages(): Promise<readonly Image[]> {
    return (await this.#channel.images('ListImages', {})).images.map(imageFrom)
  }

  async pullImage(reference: string, credentials?: RegistryCredentials): Promise<Image> {
    const auth = credentials && {
      username: credentials.username ?? '',
      password: credentials.password ?? '',
      identity_token: credentials.identityToken ?? '',
      registry_token: credentials.registryToken ?? '',
    }
    const request = { image: { image: reference }, ...(auth && { auth }) }
    try {
      const { image_ref: id } = await this.#channel.images('PullImage', request, PULL_TIMEOUT_MS)
      const image = await this.findImage(id)
      if (image) return image
    } catch (error) {
      if (!isRuntimeError(error, 'failed')) throw error
      throw new RuntimeError('pullFailed', error.message, { cause: error })
    }
    throw new RuntimeError('failed', `image ${reference} is not there after it was pulled`)
  }

  async removeImage(id: string): Promise<void> {
    await ignoringMissing(this.#channel.images('RemoveImage', { image: { image: id } }))
  }

  async imageFileSystem(): Promise<FileSystemUsage> {
    const { image_filesystems: found } = await this.#channel.images('ImageFsInfo', {})
    return this.#disk.fileSystemUsage(found[0]?.fs_id?.mountpoint || '/')
  }

  async usage(): Promise<readonly ContainerUsage[]> {
    return (await this.#channel.runtime('ListContainerStats', {})).stats.map(usageFrom)
  }

  /** Waits until CRI agrees that it has ended, so that whoever looks again sees it. */
  async #afterExit(id: string): Promise<RuntimeEvent> {
    for (let tried = 0; tried < SETTLE_TRIES && (await this.#isShownRunning(id)); tried++) {
      await this.#clock.sleep(SETTLE_MS)
    }
    return { kind: 'changed', id }
  }

  async #isShownRunning(id: string): Promise<boolean> {
    try {
      const container = await ignoringMissing(this.#channel.runtime('ContainerStatus', { container_id: id }))
      if (container) return container.status.state === 'CONTAINER_RUNNING'
      const sandbox = await ignoringMissing(this.#channel.runtime('PodSandboxStatus', { pod_sandbox_id: id }))
      return sandbox?.status.state === 'SANDBOX_READY'
    } catch {
      return false // The runtime is gone; what it does then comes as `lagged`.
    }
  }
}

const askedOf = ({ stdin, stdout, stderr, tty }: StreamsWanted): object => ({
  stdin,
  stdout,
  stderr: stderr && !tty,
  tty,
})

const byNewest = (a: { readonly createdAt: Date; readonly attempt: number }, b: typeof a): number =>
  b.createdAt.getTime() - a.createdAt.getTime() || b.attempt - a.attempt

async function ignoringMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (isRuntimeError(error, 'notFound')) return undefined
    throw error
  }
}
