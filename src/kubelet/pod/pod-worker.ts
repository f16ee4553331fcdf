import { deepEqual } from 'fast-equals'
import type { Container, Pod } from '../../api/core-v1/types.ts'
import type { Timer } from '../../machinery/clock.ts'
import type { ContainerRecord } from '../doors.ts'
import { Prober } from '../probes/prober.ts'
import { livingVolumesOf } from '../volumes/living-volumes.ts'
import type { MountedVolume } from '../volumes/volume-plugin.ts'
import { podCgroupResourcesOf } from './container-resources.ts'
import { containerIdText, restartCountsOf } from './container-status.ts'
import { CrashBackoff } from './crash-backoff.ts'
import { CrashReporter } from './crash-reporter.ts'
import { killContainer } from './kill-container.ts'
import { graceMsOf, type Plan, planPod, planTermination, type Step, stepKey } from './plan.ts'
import { PodApi, type PodRecord } from './pod-api.ts'
import { fieldSourcesOf, logDirectoryOf, type PodContext } from './pod-context.ts'
import { PodFailures } from './pod-failures.ts'
import { podStatusOf } from './pod-status.ts'
import { containersOf, emptyView, isAlive, latestOf, type PodView, readySandboxOf } from './pod-view.ts'
import { sandboxConfigOf } from './sandbox-config.ts'
import { startContainer } from './start-container.ts'
import { sweepPod } from './sweep-pod.ts'
import { terminationMessageOf } from './termination-message.ts'

/** Why a Pod is ended. `isFailed`: it counts as failed whatever its containers said. */
export interface Verdict {
  readonly reason?: string
  readonly message?: string
  readonly isFailed: boolean
  /** The machine needs it gone, for no fault of its own: shown as the condition `DisruptionTarget`. */
  readonly isDisruption?: boolean
  /** Shortens the Pod's own grace period. */
  readonly graceMs?: number
}

export interface PodWorkerOptions {
  readonly context: PodContext
  readonly signal: AbortSignal
  readonly onGone: () => void
  /** Of a Pod that is not the API's. */
  readonly record?: PodRecord
}

/** How often tokens that are due are renewed in running Pods. What else is in files is brought there when it changes. */
const REFRESH_MS = 60_000
const STUMBLE_MS_MIN = 500
const STUMBLE_MS_MAX = 30_000

/**
 * Runs one Pod from its arrival to its end. Every pass looks at the machine, plans, and sets steps in motion that are not
 * under way yet; each end of a step, change of a container and word of a probe causes the next pass. So nothing is lost
 * when passes merge, and a restarted kubelet goes on from what it finds.
 */
export class PodWorker {
  readonly #context: PodContext
  readonly #api: PodRecord
  readonly #prober: Prober
  readonly #backoff: CrashBackoff
  readonly #failures: PodFailures
  readonly #busy = new Map<string, Promise<void>>()
  readonly #stumbles = new Map<string, number>()
  readonly #terminationMessages = new Map<string, string>()
  readonly #crashes: CrashReporter
  readonly #ending = new AbortController()
  readonly #stopped: AbortSignal
  readonly #onGone: () => void
  #view: PodView = emptyView
  #volumes: ReadonlyMap<string, MountedVolume> | undefined
  #verdict: Verdict | undefined
  #killGraceMs = Number.POSITIVE_INFINITY
  #isTakenDown = false
  #refreshAtMs = 0
  #watching: Disposable | undefined
  #timer: Timer | undefined
  #pass: Promise<void> | undefined
  #again = false

  constructor(pod: Pod, { context, signal, onGone, record }: PodWorkerOptions) {
    const { client, clock, doors, events, config } = context
    const logger = context.logger.child({ pod: `${pod.metadata.namespace}/${pod.metadata.name}` })
    this.#context = { ...context, logger }
    this.#stopped = signal
    this.#onGone = onGone
    this.#api = record ?? new PodApi(pod, { client, clock, logger, signal })
    this.#backoff = new CrashBackoff(config.backoff)
    this.#crashes = new CrashReporter(this.#context)
    this.#failures = new PodFailures(this.#context, this.#backoff)
    this.#prober = new Prober({ clock, doors, events, onChange: () => this.wake() })
    if (pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') this.#verdict = { isFailed: false }
  }

  get pod(): Pod {
    return this.#api.pod
  }

  get view(): PodView {
    return this.#view
  }

  get isTerminating(): boolean {
    return this.#verdict !== undefined || this.pod.metadata.deletionTimestamp !== undefined || this.#api.isGone
  }

  get isAlive(): boolean {
    return this.#view.containers.some(isAlive)
  }

  /** Whether an id of the runtime belongs to this Pod. */
  owns(id: string): boolean {
    return this.#view.sandboxes.some(known => known.id === id) || this.#view.containers.some(known => known.id === id)
  }

  update(pod: Pod): void {
    const { labels, annotations } = this.pod.metadata
    this.#api.update(pod)
    if (!deepEqual([labels, annotations], [pod.metadata.labels, pod.metadata.annotations])) this.#refreshSoon()
    this.wake()
  }

  /** The API has the Pod no more, and had this last: whatever runs of it is ended. */
  markGone(last: Pod): void {
    this.#api.update(last)
    this.#api.markGone()
    this.wake()
  }

  /** Ends the Pod for a reason of the machine. The first verdict stays. */
  terminate(verdict: Verdict): void {
    const { reason, message = '' } = verdict
    if (reason === 'Evicted' && !this.#verdict)
      this.#context.events.record(this.pod, { type: 'Warning', reason, message })
    this.#verdict ??= verdict
    this.wake()
  }

  /** Looks at everything again, soon. */
  wake(): void {
    this.#again = true
    this.#pass ??= this.#run().finally(() => {
      this.#pass = undefined
      if (this.#again && !this.#stopped.aborted) this.wake() // Woken after the last look, before this moment.
    })
  }

  /** Lets go without touching what runs; what the runtime was asked to do it finishes by itself. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#prober.stop()
    this.#watching?.[Symbol.dispose]()
    await this.#pass
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped.aborted) {
      this.#again = false
      this.#timer?.cancel()
      try {
        this.#planNext(await this.#onePass())
      } catch (error) {
        this.#context.logger.warn({ error }, 'a pass over a pod failed; trying again')
        this.#planNext(1000)
      }
    }
  }

  #planNext(delayMs: number): void {
    if (Number.isFinite(delayMs) && !this.#stopped.aborted) {
      this.#timer = this.#context.clock.schedule(Math.max(1, delayMs), () => this.wake())
    }
  }

  /** Answers how long nothing needs to be done unless something happens. */
  async #onePass(): Promise<number> {
    await this.#observe()
    this.#followProbes()
    this.#checkDeadline()
    if (!this.isTerminating) return this.#passRunning()
    this.#ending.abort(new Error('the pod is ending'))
    this.#prober.askReadinessOnly()
    return this.#passTerminating()
  }

  async #observe(): Promise<void> {
    const { runtime } = this.#context.doors
    const filter = { podUid: this.pod.metadata.uid }
    const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(filter), runtime.listContainers(filter)])
    this.#view = { sandboxes, containers }
    const present = new Set(containers.map(({ id }) => id))
    for (const id of this.#terminationMessages.keys()) if (!present.has(id)) this.#terminationMessages.delete(id)
    const specs = this.#specs()
    for (const record of containers) {
      if (record.phase !== 'exited' || this.#terminationMessages.has(record.id)) continue
      const message = await terminationMessageOf(this.#context, record, specs.get(record.name))
      this.#terminationMessages.set(record.id, message)
      if (message === '' && !this.isTerminating) await this.#crashes.report(this.pod, record)
    }
  }

  #specs(): ReadonlyMap<string, Container> {
    return new Map(containersOf(this.pod).map(({ container }) => [container.name, container]))
  }

  #checkDeadline(): void {
    const remainingMs = this.#deadlineMs()
    if (remainingMs === undefined || remainingMs > 0 || this.isTerminating) return
    const message = 'Pod was active on the node longer than the specified deadline'
    this.#context.events.record(this.pod, { type: 'Normal', reason: 'DeadlineExceeded', message })
    this.#verdict = { reason: 'DeadlineExceeded', message, isFailed: true }
  }

  #deadlineMs(): number | undefined {
    const { spec, status } = this.pod
    if (spec.activeDeadlineSeconds === undefined || !status.startTime) return undefined
    return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - this.#context.clock.now().getTime()
  }

  #passRunning(): number {
    const plan = planPod({
      pod: this.pod,
      view: this.#view,
      health: record => this.#prober.healthOf(record),
      backoffMs: (name, last) => this.#failures.remainingMs(name, last),
      starting: this.#starting(),
      restartCounts: restartCountsOf(this.pod, this.#view),
    })
    if (plan.isFinished && this.#busy.size === 0) {
      this.#verdict = { isFailed: false }
      this.#again = true
    } else {
      this.#failures.noteBackingOff(this.pod, plan.backingOff, this.#view)
      if (this.#mountVolumes()) for (const step of plan.steps) this.#begin(step)
      sweepPod(this.#view, (key, act) => this.#work(key, () => act(this.#context)))
    }
    void this.#publish(false)
    return Math.min(this.#recheckMs(plan), this.#refreshVolumes())
  }

  #starting(): ReadonlySet<string> {
    return new Set(
      [...this.#busy.keys()].filter(key => key.startsWith('start:')).map(key => key.slice('start:'.length)),
    )
  }

  #recheckMs({ backingOff }: Plan): number {
    const deadlineMs = this.#deadlineMs() ?? Number.POSITIVE_INFINITY
    return Math.min(deadlineMs, this.#failures.nextRetryMs(), ...backingOff.values())
  }

  #followProbes(): void {
    const { containerStatuses = [], initContainerStatuses = [] } = this.pod.status
    const known = new Map([...containerStatuses, ...initContainerStatuses].map(status => [status.containerID, status]))
    this.#prober.follow(this.pod, this.#view.containers.filter(isAlive), {
      containers: this.#specs(),
      podAddress: () => this.#podAddress(),
      wasReady: ({ id }) => known.get(containerIdText(id))?.ready === true,
    })
  }

  #podAddress(): string {
    const { hostNetwork } = this.pod.spec
    const address = hostNetwork ? undefined : readySandboxOf(this.#view)?.addresses[0]
    return address ?? this.#context.machine().hostAddresses[0] ?? '127.0.0.1'
  }

  /** True when all volumes are there. */
  #mountVolumes(): boolean {
    if (this.#volumes) return true
    if (this.#failures.isWaiting('volumes')) return false
    this.#work('volumes', async () => {
      try {
        this.#watching ??= this.#context.objectWatches.watch(this.pod, () => this.#refreshSoon())
        this.#volumes = await this.#context.volumes.setUp(this.pod, this.#fields())
        this.#failures.forget('volumes')
      } catch (error) {
        this.#failures.noteVolumes(this.pod, error)
      }
    })
    return false
  }

  #fields(): ReturnType<typeof fieldSourcesOf> {
    return fieldSourcesOf(this.#context, this.pod, readySandboxOf(this.#view)?.addresses ?? [])
  }

  /** Brings changed ConfigMaps, Secrets, labels and tokens into the running Pod; answers when it is due again. */
  #refreshVolumes(): number {
    if (!this.#volumes || livingVolumesOf(this.pod).length === 0) return Number.POSITIVE_INFINITY
    const nowMs = this.#context.clock.monotonicMs()
    const isUnderWay = this.#busy.has('refresh') // It may have read what was there before; its end looks again.
    if (nowMs >= this.#refreshAtMs && !isUnderWay) {
      const isFirst = this.#refreshAtMs === 0
      this.#refreshAtMs = nowMs + REFRESH_MS
      if (!isFirst) this.#work('refresh', () => this.#context.volumes.refresh(this.pod, this.#fields()))
    }
    return isUnderWay ? Number.POSITIVE_INFINITY : this.#refreshAtMs - nowMs
  }

  #refreshSoon(): void {
    this.#refreshAtMs = 1
    this.wake()
  }

  #begin(step: Step): void {
    const key = stepKey(step)
    if (!this.#failures.isWaiting(key)) this.#work(key, () => this.#carryOut(step))
  }

  #carryOut(step: Step): Promise<void> {
    switch (step.kind) {
      case 'createSandbox':
        return this.#createSandbox(step.attempt)
      case 'stopSandbox':
        return this.#context.doors.runtime.stopSandbox(step.sandbox.id)
      case 'start':
        return this.#start(step)
      case 'kill':
        return this.#kill(step)
    }
  }

  async #createSandbox(attempt: number): Promise<void> {
    const { doors } = this.#context
    try {
      const cgroupParent = await doors.cgroups.ensure(this.pod.metadata.uid, podCgroupResourcesOf(this.pod))
      await doors.runtime.runSandbox(
        sandboxConfigOf(this.#context, this.pod, { attempt, ...(cgroupParent && { cgroupParent }) }),
      )
      this.#failures.forget('sandbox')
    } catch (error) {
      this.#failures.noteSandbox(this.pod, error)
    }
  }

  async #start({ roled, sandbox, attempt }: Extract<Step, { kind: 'start' }>): Promise<void> {
    const { name } = roled.container
    const latest = latestOf(this.#view, name)
    const signal = AbortSignal.any([this.#ending.signal, this.#stopped])
    const cgroupParent = await this.#context.doors.cgroups.ensure(this.pod.metadata.uid, podCgroupResourcesOf(this.pod))
    this.#failures.noteAttempt(name, latest)
    try {
      await startContainer(this.#context, {
        pod: this.pod,
        roled,
        sandbox,
        sandboxConfig: sandboxConfigOf(this.#context, this.pod, {
          attempt: sandbox.attempt,
          ...(cgroupParent && { cgroupParent }),
        }),
        attempt,
        volumes: this.#volumes ?? new Map(),
        ...(latest?.phase === 'created' && { leftover: latest }),
        ...this.#targetOf(roled.container),
        signal,
      })
      this.#failures.forget(name)
    } catch (error) {
      if (!signal.aborted) this.#failures.noteStart(name, error)
    }
  }

  #targetOf(container: Container): { targetContainerId?: string } {
    const target = (container as { targetContainerName?: string }).targetContainerName
    const record = target ? latestOf(this.#view, target) : undefined
    return record ? { targetContainerId: record.id } : {}
  }

  #kill({ record, graceMs, message }: Extract<Step, { kind: 'kill' }>): Promise<void> {
    const container = this.#specs().get(record.name)
    const podAddress = this.#podAddress()
    const input = { pod: this.pod, record, graceMs, message, podAddress, ...(container && { container }) }
    return killContainer(this.#context, input).catch(error => {
      if (!this.#stopped.aborted) this.#tellOfKill(record, error)
      throw error
    })
  }

  /** For example a process that waits for a dead disk: even SIGKILL waits for that. */
  #tellOfKill({ name }: ContainerRecord, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    const message = `error killing pod: failed to "KillContainer" for "${name}" with KillContainerError: ${JSON.stringify(text)}`
    this.#context.events.record(this.pod, { type: 'Warning', reason: 'FailedKillPod', message })
  }

  async #passTerminating(): Promise<number> {
    const graceMs = this.#graceMs()
    const plan = planTermination(this.pod, this.#view, { graceMs, ...this.#killMessage() })
    if (graceMs < this.#killGraceMs) this.#hurry(plan, graceMs)
    for (const step of plan.steps) this.#begin(step)
    if (!plan.isFinished || this.#busy.size > 0) {
      void this.#publish(false)
      return Number.POSITIVE_INFINITY
    }
    return this.#finish()
  }

  #killMessage(): { message?: string } {
    return this.#verdict?.reason === 'Evicted' && this.#verdict.message ? { message: this.#verdict.message } : {}
  }

  /** A forced deletion still leaves a second to end well, as upstream does. */
  #graceMs(): number {
    const { deletionGracePeriodSeconds } = this.pod.metadata
    if (this.#verdict?.graceMs !== undefined) return this.#verdict.graceMs
    if (deletionGracePeriodSeconds !== undefined) return Math.max(1, deletionGracePeriodSeconds) * 1000
    return graceMsOf(this.pod)
  }

  /** A shorter grace period than the one that is running out counts from now. */
  #hurry({ steps }: Plan, graceMs: number): void {
    const isFirst = this.#killGraceMs === Number.POSITIVE_INFINITY
    this.#killGraceMs = graceMs
    if (isFirst) return
    for (const step of steps) {
      if (step.kind !== 'kill' || !this.#busy.has(stepKey(step))) continue
      this.#work(`hurry:${step.record.id}`, () => this.#context.doors.runtime.stopContainer(step.record.id, graceMs))
    }
  }

  /** All containers have ended: gives back what the Pod held, writes its last status, and takes it out of the API. */
  async #finish(): Promise<number> {
    if (!this.#isTakenDown) {
      this.#work('takeDown', () => this.#takeDown())
      void this.#publish(true)
      return Number.POSITIVE_INFINITY
    }
    await this.#publish(true)
    if (!this.#api.isGone && this.pod.metadata.deletionTimestamp) {
      await this.#api.remove()
      this.#api.markGone()
    }
    if (this.#api.isGone && !this.#stopped.aborted) {
      await this.#cleanUp()
      this.#onGone()
    }
    return Number.POSITIVE_INFINITY
  }

  async #takeDown(): Promise<void> {
    const { volumes, doors } = this.#context
    this.#watching?.[Symbol.dispose]()
    await volumes.tearDown(this.pod.metadata.uid)
    await doors.cgroups.remove(this.pod.metadata.uid)
    this.#isTakenDown = true
  }

  /** Nobody can ask for its logs any more. */
  async #cleanUp(): Promise<void> {
    const { runtime } = this.#context.doors
    for (const { id } of this.#view.containers) await runtime.removeContainer(id)
    for (const { id } of this.#view.sandboxes) await runtime.removeSandbox(id)
    await this.#context.doors.disk.remove(logDirectoryOf(this.#context.config, this.pod))
  }

  /** Sets work in motion unless the same is under way; its end causes the next pass. */
  #work(key: string, act: () => Promise<void>): void {
    if (this.#busy.has(key)) return
    const work = act()
      .then(() => void this.#stumbles.delete(key))
      .catch(error => this.#afterStumble(key, error))
      .finally(() => {
        this.#busy.delete(key)
        this.wake()
      })
    this.#busy.set(key, work)
  }

  /** What fails for no reason of the Pod is tried again by itself, ever less often. */
  async #afterStumble(key: string, error: unknown): Promise<void> {
    if (this.#stopped.aborted) return
    const delayMs = Math.min((this.#stumbles.get(key) ?? STUMBLE_MS_MIN / 2) * 2, STUMBLE_MS_MAX)
    this.#stumbles.set(key, delayMs)
    this.#context.logger.warn({ error, step: key, delayMs }, 'a step of a pod failed; trying again')
    await this.#context.clock.sleep(delayMs, this.#stopped).catch(() => {}) // Stopping: nobody waits for a retry.
  }

  #publish(isFinished: boolean): Promise<void> {
    const view = this.#view
    return this.#api.publish(pod =>
      podStatusOf({
        pod,
        view,
        now: this.#context.clock.now(),
        health: record => this.#prober.healthOf(record),
        failures: this.#failures.shown,
        terminationMessages: this.#terminationMessages,
        hostAddresses: this.#context.machine().hostAddresses,
        isTerminating: this.isTerminating,
        isFinished,
        ...(this.#verdict && { verdict: this.#verdict }),
      }),
    )
  }
}
