import { PassThrough } from 'node:stream'
import {
  type ContainerConfig,
  type ContainerRecord,
  type ContainerRuntime,
  type ContainerUsage,
  type ExecResult,
  type FileSystemUsage,
  type Image,
  type PortConnection,
  type ProcessStreams,
  RuntimeError,
  type RuntimeEvent,
  type Sandbox,
  type SandboxConfig,
} from '../../kubelet/doors.ts'
import { EventQueue } from '../../kubelet/event-queue.ts'
import type { Clock } from '../../machinery/clock.ts'
import { FakeContainer } from './fake-container.ts'
import type { FakeDisk } from './fake-disk.ts'
import type { FakeImages } from './fake-image.ts'
import type { FakeLogs } from './fake-logs.ts'

export interface FakeRuntimeOptions {
  readonly clock: Clock
  readonly disk: FakeDisk
  readonly logs: FakeLogs
  readonly images: FakeImages
  /** A free address for a Pod, until it is given back. */
  readonly takeAddress: () => string
  readonly giveAddressBack: (address: string) => void
  readonly hostAddress: string
  readonly latency: { readonly sandboxMs: number; readonly createMs: number; readonly startMs: number }
  readonly httpPort?: HttpPort
}

/** Speaks HTTP for a container whose image answers it. Without one, a forwarded port sends back what it gets. */
export type HttpPort = (container: FakeContainer, port: number) => PortConnection

/** What a stop may take beyond its grace. */
const STOP_SPARE_MS = 120_000

interface FakeSandbox {
  readonly id: string
  readonly config: SandboxConfig
  readonly createdAt: Date
  readonly address: string
  isReady: boolean
}

/** A container runtime in memory. It outlives kubelets as a real one does; `reboot` ends everything at once. */
export class FakeRuntime implements ContainerRuntime {
  readonly #options: FakeRuntimeOptions
  readonly #sandboxes = new Map<string, FakeSandbox>()
  readonly #containers = new Map<string, FakeContainer>()
  readonly #pulled = new Map<string, Image>()
  readonly #readers = new Set<EventQueue<RuntimeEvent>>()
  #sequence = 0
  #isDown = false

  constructor(options: FakeRuntimeOptions) {
    this.#options = options
  }

  /** All containers, for tests that look at the machine itself. */
  get containers(): readonly FakeContainer[] {
    return [...this.#containers.values()]
  }

  get sandboxCount(): number {
    return this.#sandboxes.size
  }

  /** While it is down every call fails; containers go on. */
  set isDown(isDown: boolean) {
    this.#isDown = isDown
    if (!isDown) this.#tell({ kind: 'lagged' })
  }

  async version(): Promise<{ name: string; version: string }> {
    this.#check()
    return { name: 'fake', version: '1.0.0' }
  }

  async readiness(): Promise<{ runtimeProblem?: string }> {
    return this.#isDown ? { runtimeProblem: 'the runtime is down' } : {}
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    await this.#take(this.#options.latency.sandboxMs)
    const id = this.#nextId('sandbox')
    const isHost = config.namespaces.network === 'node'
    const address = isHost ? this.#options.hostAddress : this.#options.takeAddress()
    this.#sandboxes.set(id, { id, config, createdAt: this.#options.clock.now(), address, isReady: true })
    this.#changed(id, config.pod.uid)
    return id
  }

  async stopSandbox(id: string): Promise<void> {
    this.#check()
    const sandbox = this.#sandboxes.get(id)
    if (!sandbox) return
    for (const container of this.#containersIn(id)) container.kill()
    this.#endSandbox(sandbox)
  }

  async removeSandbox(id: string): Promise<void> {
    await this.stopSandbox(id)
    const sandbox = this.#sandboxes.get(id)
    if (!sandbox) return
    for (const { parts } of this.#containersIn(id)) this.#containers.delete(parts.id)
    this.#sandboxes.delete(id)
    this.#changed(id, sandbox.config.pod.uid)
  }

  async listSandboxes(filter?: { readonly podUid: string }): Promise<readonly Sandbox[]> {
    this.#check()
    return [...this.#sandboxes.values()]
      .filter(({ config }) => !filter || config.pod.uid === filter.podUid)
      .map(({ id, config, createdAt, address, isReady }) => ({
        id,
        pod: config.pod,
        attempt: config.attempt,
        isReady,
        createdAt,
        addresses: isReady && config.namespaces.network === 'pod' ? [address] : [],
        labels: config.labels,
        annotations: config.annotations,
      }))
      .toReversed()
  }

  async createContainer({
    sandboxId,
    sandbox,
    container: config,
  }: {
    sandboxId: string
    sandbox: SandboxConfig
    container: ContainerConfig
  }): Promise<string> {
    await this.#take(this.#options.latency.createMs)
    const home = this.#sandboxes.get(sandboxId)
    if (!home?.isReady) throw new RuntimeError('failed', `sandbox ${sandboxId} is not running`)
    const { clock, disk, logs, images } = this.#options
    const image = images(config.image)
    if (!image) throw new RuntimeError('notFound', `image ${config.image} not found`)
    const id = this.#nextId('container')
    const onChange = (): void => this.#changed(id, sandbox.pod.uid)
    const parts = { id, sandboxId, sandbox, config, image, imageId: config.imageId, address: home.address }
    this.#containers.set(id, new FakeContainer({ ...parts, clock, disk, logs, onChange }))
    onChange()
    return id
  }

  async startContainer(id: string): Promise<void> {
    await this.#take(this.#options.latency.startMs)
    const container = this.#get(id)
    if (!container.start()) throw new RuntimeError('failed', container.record.message ?? 'could not start')
  }

  async stopContainer(id: string, graceMs: number): Promise<void> {
    this.#check()
    const container = this.#containers.get(id)
    if (!container) return
    const stop = new AbortController()
    const late = this.#options.clock.sleep(graceMs + STOP_SPARE_MS, stop.signal).then(
      () => Promise.reject(new RuntimeError('timeout', 'context deadline exceeded')),
      () => {}, // It ended in time.
    )
    await Promise.race([container.stop(graceMs), late])
    stop.abort(new Error('the container has ended'))
  }

  async removeContainer(id: string): Promise<void> {
    this.#check()
    const container = this.#containers.get(id)
    if (!container) return
    container.kill()
    this.#containers.delete(id)
    this.#changed(id, container.parts.sandbox.pod.uid)
  }

  async listContainers(filter?: { readonly podUid: string }): Promise<readonly ContainerRecord[]> {
    this.#check()
    return this.containers
      .map(({ record }) => record)
      .filter(({ pod }) => !filter || pod.uid === filter.podUid)
      .toReversed()
  }

  async updateResources(): Promise<void> {
    this.#check()
  }

  async reopenLog(): Promise<void> {
    this.#check()
  }

  async *events(signal: AbortSignal): AsyncIterable<RuntimeEvent> {
    const queue = new EventQueue<RuntimeEvent>({ onDrop: { kind: 'lagged' } })
    this.#readers.add(queue)
    try {
      yield* queue.read(signal)
    } finally {
      this.#readers.delete(queue)
    }
  }

  async execSync(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    this.#check()
    const { process, parts } = this.#get(id)
    const result = parts.image.exec?.(command, process) ?? {}
    await this.#options.clock.sleep(Math.min(result.tookMs ?? 0, timeoutMs))
    if ((result.tookMs ?? 0) > timeoutMs) throw new RuntimeError('timeout', `command timed out after ${timeoutMs} ms`)
    const { exitCode = 0, stdout = '', stderr = '' } = result
    return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) }
  }

  async exec(id: string, options: { readonly command: readonly string[] }): Promise<ProcessStreams> {
    const { exitCode, stdout, stderr } = await this.execSync(id, options.command, Number.MAX_SAFE_INTEGER)
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
    streams.stdin.resume()
    streams.stdout.end(stdout)
    streams.stderr.end(stderr)
    return { ...streams, resize: () => {}, ended: Promise.resolve(exitCode) }
  }

  async attach(id: string): Promise<ProcessStreams> {
    this.#get(id)
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
    streams.stdin.resume()
    streams.stdout.end()
    streams.stderr.end()
    return { ...streams, resize: () => {}, ended: Promise.resolve(0) }
  }

  async portForward(sandboxId: string, port: number): Promise<PortConnection> {
    const serving = this.#containersIn(sandboxId).find(container => isOpen(container, port))
    if (!serving) throw new RuntimeError('failed', `dial tcp 127.0.0.1:${port}: connect: connection refused`)
    const { httpPort } = this.#options
    if (serving.parts.image.answer && httpPort) return httpPort(serving, port)
    const input = new PassThrough()
    const output = new PassThrough()
    input.pipe(output) // Echoes.
    return { input, output, ended: new Promise(resolve => output.once('close', resolve)) }
  }

  async findImage(reference: string): Promise<Image | undefined> {
    this.#check()
    const pulled = this.#pulled.get(reference)
    if (pulled) return pulled
    const image = this.#options.images(reference)
    return image && image.pullMs === undefined && !image.pullError ? this.#imageOf(reference) : undefined
  }

  async listImages(): Promise<readonly Image[]> {
    this.#check()
    return [...this.#pulled.values()]
  }

  async pullImage(reference: string): Promise<Image> {
    this.#check()
    const image = this.#options.images(reference)
    await this.#options.clock.sleep(image?.pullMs ?? 0)
    if (!image) throw new RuntimeError('notFound', `${reference}: not found`)
    if (image.pullError) throw new RuntimeError('pullFailed', image.pullError)
    const pulled = this.#imageOf(reference)
    this.#pulled.set(reference, pulled)
    return pulled
  }

  async removeImage(id: string): Promise<void> {
    this.#check()
    for (const [reference, image] of this.#pulled) if (image.id === id) this.#pulled.delete(reference)
  }

  async imageFileSystem(): Promise<FileSystemUsage> {
    return this.#options.disk.fileSystemUsage('/')
  }

  async usage(): Promise<readonly ContainerUsage[]> {
    this.#check()
    return this.containers
      .filter(({ isRunning }) => isRunning)
      .map(({ parts }) => ({
        containerId: parts.id,
        pod: parts.sandbox.pod,
        name: parts.config.name,
        at: this.#options.clock.now(),
        cpuNanosecondsTotal: 0,
        memoryWorkingSetBytes: parts.image.memoryBytes ?? 0,
        memoryUsageBytes: parts.image.memoryBytes ?? 0,
        writableLayerBytes: 0,
      }))
  }

  /** Who listens on a port of an address, for probes and requests of the simulation. */
  serving(address: string, port: number): FakeContainer | undefined {
    return this.containers.find(container => container.parts.address === address && isOpen(container, port))
  }

  /** The machine loses power: nothing runs any more, and nobody was told. */
  reboot(): void {
    for (const container of this.containers) container.kill()
    for (const sandbox of this.#sandboxes.values()) this.#endSandbox(sandbox)
  }

  #endSandbox(sandbox: FakeSandbox): void {
    if (!sandbox.isReady) return
    sandbox.isReady = false
    if (sandbox.config.namespaces.network === 'pod') this.#options.giveAddressBack(sandbox.address)
    this.#changed(sandbox.id, sandbox.config.pod.uid)
  }

  #imageOf(reference: string): Image {
    const { sizeBytes = 10_000_000, user } = this.#options.images(reference) ?? {}
    return {
      id: `sha256:${Buffer.from(reference).toString('hex').padEnd(64, '0').slice(0, 64)}`,
      tags: [reference],
      digests: [],
      sizeBytes,
      ...(user?.uid !== undefined && { uid: user.uid }),
      ...(user?.name && { username: user.name }),
      pinned: false,
    }
  }

  #containersIn(sandboxId: string): readonly FakeContainer[] {
    return this.containers.filter(({ parts }) => parts.sandboxId === sandboxId)
  }

  #get(id: string): FakeContainer {
    const container = this.#containers.get(id)
    if (!container) throw new RuntimeError('notFound', `container ${id} not found`)
    return container
  }

  #check(): void {
    if (this.#isDown) throw new RuntimeError('unavailable', 'the runtime is down')
  }

  async #take(ms: number): Promise<void> {
    this.#check()
    if (ms > 0) await this.#options.clock.sleep(ms)
    this.#check()
  }

  #nextId(kind: string): string {
    return `${kind}-${String(++this.#sequence).padStart(6, '0')}`
  }

  #changed(id: string, podUid: string): void {
    this.#tell({ kind: 'changed', id, podUid })
  }

  #tell(event: RuntimeEvent): void {
    for (const reader of this.#readers) reader.push(event)
  }
}

const isOpen = (container: FakeContainer, port: number): boolean =>
  container.isServing && (container.parts.image.ports?.includes(port) ?? true)
