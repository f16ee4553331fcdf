import type { ContainerConfig, ContainerPhase, ContainerRecord, SandboxConfig } from '../../kubelet/doors.ts'
import type { Clock, Timer } from '../../machinery/clock.ts'
import type { FakeDisk } from './fake-disk.ts'
import type { FakeImage, FakeProcess } from './fake-image.ts'
import type { FakeLogs } from './fake-logs.ts'

const SIGKILL_EXIT_CODE = 137

export interface FakeContainerParts {
  readonly id: string
  readonly sandboxId: string
  readonly sandbox: SandboxConfig
  readonly config: ContainerConfig
  readonly image: FakeImage
  readonly imageId: string
  readonly address: string
  readonly clock: Clock
  readonly disk: FakeDisk
  readonly logs: FakeLogs
  readonly onChange: () => void
}

/** One container of the simulation and the process in it, which does what its image's script says. */
export class FakeContainer {
  readonly parts: FakeContainerParts
  readonly process: FakeProcess
  readonly #createdAt: Date
  readonly #timers: Timer[] = []
  readonly #ownFiles = new Map<string, string>()
  readonly #waiters: (() => void)[] = []
  #phase: ContainerPhase = 'created'
  #startedAt: Date | undefined
  #finishedAt: Date | undefined
  #readyAtMs = Number.POSITIVE_INFINITY
  #exitCode: number | undefined
  #reason: string | undefined
  #message: string | undefined

  constructor(parts: FakeContainerParts) {
    this.parts = parts
    this.#createdAt = parts.clock.now()
    this.process = this.#processView()
  }

  get isRunning(): boolean {
    return this.#phase === 'running'
  }

  /** Whether its ports answer. */
  get isServing(): boolean {
    return this.isRunning && this.parts.clock.monotonicMs() >= this.#readyAtMs
  }

  get logPath(): string {
    return `${this.parts.sandbox.logDirectory}/${this.parts.config.logPath}`
  }

  get record(): ContainerRecord {
    const { id, sandboxId, sandbox, config, imageId } = this.parts
    return {
      id,
      sandboxId,
      pod: sandbox.pod,
      name: config.name,
      attempt: config.attempt,
      phase: this.#phase,
      image: config.image,
      imageId,
      createdAt: this.#createdAt,
      ...(this.#startedAt && { startedAt: this.#startedAt }),
      ...(this.#finishedAt && { finishedAt: this.#finishedAt }),
      ...(this.#exitCode !== undefined && { exitCode: this.#exitCode }),
      ...(this.#reason && { reason: this.#reason }),
      ...(this.#message && { message: this.#message }),
      labels: config.labels,
      annotations: config.annotations,
      logPath: this.logPath,
    }
  }

  /** False when the image's script refuses to start. */
  start(): boolean {
    const { image, clock } = this.parts
    this.#startedAt = clock.now()
    if (image.startError) {
      this.#message = image.startError
      this.#end(128, 'StartError')
      return false
    }
    this.#phase = 'running'
    this.#readyAtMs = clock.monotonicMs() + (image.readyMs ?? 0)
    this.parts.onChange()
    image.onStart?.(this.process)
    if (image.exitsAfterMs !== undefined && this.isRunning) {
      this.#later(image.exitsAfterMs, () => this.#end(image.exitCode ?? 0, image.exitReason))
    }
    return true
  }

  /** Sends the stop signal, and SIGKILL after the grace. Resolves when the process has ended. */
  stop(graceMs: number): Promise<void> {
    if (!this.isRunning) return Promise.resolve()
    const { image } = this.parts
    image.onStop?.(this.process)
    if (image.isStuck) return new Promise(resolve => this.#waiters.push(resolve))
    if (graceMs <= 0) this.kill()
    else {
      this.#later(graceMs, () => this.kill())
      if (!image.ignoresStopSignal) this.#later(image.stopMs ?? 0, () => this.#end(image.stopExitCode ?? 0))
    }
    return new Promise(resolve => {
      if (!this.isRunning) resolve()
      else this.#waiters.push(resolve)
    })
  }

  kill(reason?: string): void {
    this.#end(SIGKILL_EXIT_CODE, reason)
  }

  #end(exitCode: number, reason?: string): void {
    if (this.#phase === 'exited') return
    this.#phase = 'exited'
    this.#exitCode = exitCode
    this.#reason = reason ?? (exitCode === 0 ? 'Completed' : 'Error')
    this.#finishedAt = this.parts.clock.now()
    for (const timer of this.#timers) timer.cancel()
    this.parts.logs.end(this.logPath)
    this.parts.onChange()
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #later(delayMs: number, run: () => void): void {
    this.#timers.push(this.parts.clock.schedule(delayMs, run))
  }

  #processView(): FakeProcess {
    const { sandbox, config, address, clock, disk, logs } = this.parts
    const onVolume = (path: string): string | undefined => this.#hostPathOf(path)
    const isRunning = (): boolean => this.isRunning
    return {
      pod: sandbox.pod,
      containerName: config.name,
      attempt: config.attempt,
      hostname: sandbox.hostname,
      address,
      env: new Map(config.env.map(({ name, value }) => [name, value])),
      command: [...config.command, ...config.args],
      clock,
      get isRunning() {
        return isRunning()
      },
      readFile: path => {
        const hostPath = onVolume(path)
        if (!hostPath) return this.#ownFiles.get(path)
        const content = disk.readNow(hostPath)
        return content && Buffer.from(content).toString('utf8')
      },
      writeFile: (path, content) => {
        const hostPath = onVolume(path)
        if (hostPath) disk.writeNow(hostPath, Buffer.from(content))
        else this.#ownFiles.set(path, content)
      },
      print: line => logs.write(this.logPath, line),
      exit: code => this.#end(code),
    }
  }

  #hostPathOf(path: string): string | undefined {
    const [mount] = this.parts.config.mounts
      .filter(({ containerPath }) => path === containerPath || path.startsWith(`${containerPath.replace(/\/$/, '')}/`))
      .toSorted((a, b) => b.containerPath.length - a.containerPath.length)
    return mount && `${mount.hostPath}${path.slice(mount.containerPath.replace(/\/$/, '').length)}`
  }
}
