import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../machinery/clock.ts'
import type { Component } from '../../machinery/component.ts'
import type { Logger } from '../../machinery/logger.ts'
import { CriChannel } from '../cri/grpc-channel.ts'
import { type ContainerdConfig, type ContainerdPaths, containerdConfigText } from './containerd-config.ts'
import { type KnownSandboxes, removeAbandoned, type SandboxTraces, sandboxTraces } from './sandbox-traces.ts'

export interface ContainerdOptions extends ContainerdPaths {
  readonly clock: Clock
  readonly logger: Logger
  /** Where `config.toml`, the log and the process id are kept. */
  readonly directory: string
  /** A network namespace of its own, by path, for several machines on one. */
  readonly networkNamespace?: string
  readonly streamAddress?: string
  readonly binary?: string
}

const RESTART_MS_MIN = 200
const RESTART_MS_MAX = 10_000
const STOP_MS = 10_000
const READY_POLL_MS = 30
const READY_CALL_MS = 1000
const CAP_SYS_RESOURCE = 24n

/**
 * Our own containerd: started with a configuration of ours, started again when it dies. Containers outlive it: each has a
 * shim of its own, which the next containerd takes over. So one that an earlier process of ours left is simply replaced.
 */
export class Containerd implements Component {
  readonly name = 'containerd'
  readonly #options: ContainerdOptions
  readonly #firstReady = Promise.withResolvers<void>()

  constructor(options: ContainerdOptions) {
    this.#options = options
    this.#firstReady.promise.catch(() => {}) // Whoever waits sees it; nobody has to.
  }

  /** Resolves when it has answered for the first time; rejects when `run` ends before that. */
  get whenReady(): Promise<void> {
    return this.#firstReady.promise
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options
    try {
      await this.#prepare()
      for (let delayMs = RESTART_MS_MIN; !signal.aborted; delayMs = Math.min(delayMs * 2, RESTART_MS_MAX)) {
        const startedMs = clock.monotonicMs()
        const ended = await this.#runOnce(signal)
        if (signal.aborted) break
        if (clock.monotonicMs() - startedMs > RESTART_MS_MAX) delayMs = RESTART_MS_MIN
        logger.warn({ ended, delayMs, log: this.#path('containerd.log') }, 'containerd ended; starting it again')
        await clock.sleep(delayMs, signal).catch(() => {}) // Aborted: the loop ends.
      }
    } finally {
      this.#firstReady.reject(new Error('containerd was stopped before it was ready'))
    }
  }

  async #prepare(): Promise<void> {
    const { directory, root, state, socket, cniConfig } = this.#options
    for (const path of [directory, root, state, dirname(socket), cniConfig])
      await mkdir(path, { recursive: true, mode: 0o711 })
    const config: ContainerdConfig = {
      ...this.#options,
      mayLowerOomScore: await mayLowerOomScore(),
      streamAddress: this.#options.streamAddress ?? '127.0.0.1',
    }
    await writeFile(this.#path('config.toml'), containerdConfigText(config), { mode: 0o600 })
    await this.#endPredecessor()
  }

  /** Starts it and waits for its end; says how it ended. */
  async #runOnce(signal: AbortSignal): Promise<string> {
    const traces = await sandboxTraces(this.#options)
    const child = this.#spawn()
    const ended = new Promise<string>(resolve => {
      child.once('exit', (code, by) => resolve(by ?? `exit code ${code}`))
      child.once('error', error => resolve(error.message))
    })
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    void ended.then(() => stop.abort())
    if (child.pid !== undefined) await writeFile(this.#path('containerd.pid'), String(child.pid))
    const tidied = this.#tidyOnceReady(traces, either)
    const abort = (): void => void this.#end(child, ended)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      const text = await ended
      await tidied
      return text
    } finally {
      signal.removeEventListener('abort', abort)
      await rm(this.#path('containerd.pid'), { force: true })
    }
  }

  #spawn(): ChildProcess {
    const { binary = 'containerd', networkNamespace } = this.#options
    const command = [binary, '--config', this.#path('config.toml')]
    const [file, ...args] = networkNamespace ? ['nsenter', `--net=${networkNamespace}`, '--', ...command] : command
    const log = openSync(this.#path('containerd.log'), 'a')
    try {
      // In a group of its own, so that Ctrl-C in a terminal does not reach it before we end it in order.
      return spawn(file!, args, { stdio: ['ignore', log, log], detached: true })
    } finally {
      closeSync(log)
    }
  }

  /** Once it answers, removes what the one before it has left half made. */
  async #tidyOnceReady(traces: SandboxTraces, signal: AbortSignal): Promise<void> {
    const { logger, socket } = this.#options
    using channel = new CriChannel(socket)
    const known = await this.#knownSandboxes(channel, signal)
    if (!known) return
    this.#firstReady.resolve()
    try {
      const removed = await removeAbandoned(traces, { known, options: this.#options })
      if (removed.length > 0) logger.warn({ removed }, 'removed what was left of sandboxes that containerd lost')
    } catch (error) {
      logger.error({ error }, 'could not remove what was left of sandboxes that containerd lost')
    }
  }

  /** As soon as it answers; undefined when it was stopped before. */
  async #knownSandboxes(channel: CriChannel, signal: AbortSignal): Promise<KnownSandboxes | undefined> {
    while (!signal.aborted) {
      const known = await askKnown(channel).catch(() => undefined) // Not yet up.
      if (known) return known
      await this.#options.clock.sleep(READY_POLL_MS, signal).catch(() => {}) // Aborted: the loop ends.
    }
    return undefined
  }

  async #end(child: ChildProcess, ended: Promise<string>): Promise<void> {
    child.kill('SIGTERM')
    const timer = this.#options.clock.schedule(STOP_MS, () => child.kill('SIGKILL'))
    await ended
    timer.cancel()
  }

  /** A containerd that a killed process of ours left behind would hold the lock on the image store. */
  async #endPredecessor(): Promise<void> {
    const pid = Number(await readFile(this.#path('containerd.pid'), 'utf8').catch(() => ''))
    if (!pid || !(await isContainerd(pid, this.#path('config.toml')))) return
    process.kill(pid, 'SIGTERM')
    const deadlineMs = this.#options.clock.monotonicMs() + STOP_MS
    while (await isContainerd(pid, this.#path('config.toml'))) {
      if (this.#options.clock.monotonicMs() > deadlineMs) process.kill(pid, 'SIGKILL')
      await this.#options.clock.sleep(READY_POLL_MS)
    }
  }

  #path(name: string): string {
    return join(this.#options.directory, name)
  }
}

async function askKnown(channel: CriChannel): Promise<KnownSandboxes> {
  const { items } = await channel.runtime('ListPodSandbox', {}, READY_CALL_MS)
  const { containers } = await channel.runtime('ListContainers', {}, READY_CALL_MS)
  const ready = items.filter(({ state }) => state === 'SANDBOX_READY').map(({ id }) => id)
  const running = containers.filter(({ state }) => state === 'CONTAINER_RUNNING').map(found => found.pod_sandbox_id)
  return { all: new Set(items.map(({ id }) => id)), living: new Set([...ready, ...running]) }
}

/** Whether a process is still the containerd with our configuration: its number may have gone to another. */
async function isContainerd(pid: number, configPath: string): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return commandLine.split('\0').includes(configPath)
}

async function mayLowerOomScore(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  return (effective & (1n << CAP_SYS_RESOURCE)) !== 0n
}
