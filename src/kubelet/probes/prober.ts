import type { Container, Pod, Probe } from '../../api/core-v1/types.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { ContainerRecord, MachineDoors } from '../doors.ts'
import type { Health } from '../pod/plan.ts'
import { type ProbeOutcome, runProbe } from './run-probe.ts'

export type ProbeType = 'startup' | 'readiness' | 'liveness'

export interface ProberOptions {
  readonly clock: Clock
  readonly doors: MachineDoors
  readonly events: EventRecorder
  /** Something that `healthOf` tells has changed. */
  readonly onChange: () => void
}

/** What is asked of one running container, and what it has answered so far. */
interface Watched {
  readonly stop: AbortController
  readonly container: Container
  readonly results: Map<ProbeType, boolean>
}

const healthy: Health = { isStarted: true, isReady: true }

/** Probes the running containers of one Pod, each from its start to its end. */
export class Prober {
  readonly #options: ProberOptions
  readonly #watched = new Map<string, Watched>()
  #asksReadinessOnly = false

  constructor(options: ProberOptions) {
    this.#options = options
  }

  /** Begins with containers that are new, ends with those that are gone. `wasReady`: what the API knew before us. */
  follow(pod: Pod, running: readonly ContainerRecord[], options: FollowOptions): void {
    const ids = new Set(running.map(({ id }) => id))
    for (const [id, { stop }] of this.#watched) {
      if (ids.has(id)) continue
      stop.abort()
      this.#watched.delete(id)
    }
    for (const record of running) {
      const container = options.containers.get(record.name)
      if (container && !this.#watched.has(record.id)) this.#begin(pod, record, { ...options, container })
    }
  }

  /** A Pod that ends is asked only whether it still serves: nothing of it is started again. */
  askReadinessOnly(): void {
    this.#asksReadinessOnly = true
  }

  stop(): void {
    for (const { stop } of this.#watched.values()) stop.abort()
    this.#watched.clear()
  }

  healthOf({ id }: ContainerRecord): Health {
    const watched = this.#watched.get(id)
    if (!watched) return { isStarted: false, isReady: false }
    const { container, results } = watched
    const { startupProbe, readinessProbe, livenessProbe } = container
    const isStarted = !startupProbe || results.get('startup') === true
    if (startupProbe && results.get('startup') === false) return failed('startup', startupProbe)
    const isReady = isStarted && (!readinessProbe || results.get('readiness') === true)
    if (livenessProbe && results.get('liveness') === false)
      return { ...failed('liveness', livenessProbe), isStarted, isReady }
    return isReady ? healthy : { isStarted, isReady }
  }

  #begin(
    pod: Pod,
    record: ContainerRecord,
    { container, podAddress, wasReady }: FollowOptions & { container: Container },
  ): void {
    const stop = new AbortController()
    const results = new Map<ProbeType, boolean>()
    // A restart of the kubelet makes no container unready that the API knows to be ready.
    if (wasReady(record)) {
      results.set('startup', true)
      results.set('readiness', true)
    }
    const watched: Watched = { stop, container, results }
    this.#watched.set(record.id, watched)
    const isAsked = (type: ProbeType): boolean => type === 'readiness' || !this.#asksReadinessOnly
    const worker = new ProbeLoop({ ...this.#options, pod, record, watched, podAddress, isAsked })
    void worker.run().catch(() => {}) // Ends with the signal; probes themselves never throw.
  }
}

export interface FollowOptions {
  readonly containers: ReadonlyMap<string, Container>
  readonly podAddress: () => string
  readonly wasReady: (record: ContainerRecord) => boolean
}

const failed = (probe: 'startup' | 'liveness', { terminationGracePeriodSeconds }: Probe): Health => ({
  isStarted: probe === 'liveness',
  isReady: false,
  failed: {
    probe,
    ...(terminationGracePeriodSeconds !== undefined && { graceSeconds: terminationGracePeriodSeconds }),
  },
})

interface LoopOptions extends ProberOptions {
  readonly pod: Pod
  readonly record: ContainerRecord
  readonly watched: Watched
  readonly podAddress: () => string
  readonly isAsked: (type: ProbeType) => boolean
}

/** The probes of one container: startup first, then readiness and liveness beside each other. */
class ProbeLoop {
  readonly #options: LoopOptions

  constructor(options: LoopOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { container, results } = this.#options.watched
    const { startupProbe, readinessProbe, livenessProbe } = container
    if (startupProbe && !results.get('startup')) {
      const hasStarted = await this.#repeat('startup', startupProbe)
      if (!hasStarted) return
    }
    await Promise.all([
      readinessProbe && this.#repeat('readiness', readinessProbe),
      livenessProbe && this.#repeat('liveness', livenessProbe),
    ])
  }

  /** Asks again and again. A startup probe ends with its first verdict, a liveness probe with its failure. */
  async #repeat(type: ProbeType, probe: Probe): Promise<boolean> {
    const { clock, doors, record, watched, podAddress } = this.#options
    const { signal } = watched.stop
    const sinceStartMs = clock.now().getTime() - (record.startedAt ?? record.createdAt).getTime()
    const firstAfterMs = (probe.initialDelaySeconds ?? 0) * 1000 - Math.max(0, sinceStartMs)
    if (firstAfterMs > 0) await clock.sleep(firstAfterMs, signal)
    let inRow = 0
    let last: boolean | undefined
    while (this.#options.isAsked(type)) {
      const target = { container: watched.container, containerId: record.id, podAddress: podAddress() }
      const outcome = await runProbe(doors, probe, target)
      if (signal.aborted) return false
      const isGood = outcome.kind === 'success'
      inRow = isGood === last ? inRow + 1 : 1
      last = isGood
      if (!isGood) this.#tell(type, outcome)
      const threshold = isGood ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
      if (inRow >= threshold && this.#conclude(type, isGood)) return isGood
      await clock.sleep((probe.periodSeconds ?? 10) * 1000, signal)
    }
    return false
  }

  /** True when there is nothing more to ask. */
  #conclude(type: ProbeType, isGood: boolean): boolean {
    const { watched, onChange } = this.#options
    const before = watched.results.get(type)
    watched.results.set(type, isGood)
    if (before !== isGood) onChange()
    return type === 'startup' || (type === 'liveness' && !isGood)
  }

  #tell(type: ProbeType, outcome: Exclude<ProbeOutcome, { kind: 'success' }>): void {
    const { events, pod } = this.#options
    const title = `${type[0]!.toUpperCase()}${type.slice(1)} probe`
    const verb = outcome.kind === 'failure' ? 'failed' : 'errored'
    events.record(pod, { type: 'Warning', reason: 'Unhealthy', message: `${title} ${verb}: ${outcome.output}` })
  }
}
