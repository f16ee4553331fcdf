import type { Pod } from '../../api/core-v1/types.ts'
import type { ContainerRecord } from '../doors.ts'
import type { CrashBackoff } from './crash-backoff.ts'
import { backOffMessage } from './plan.ts'
import type { PodContext } from './pod-context.ts'
import { latestOf, type PodView, podText } from './pod-view.ts'
import { StartFailure } from './start-failure.ts'

const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 122_000

interface Retry {
  readonly delayMs: number
  readonly atMs: number
}

/**
 * What went wrong with one Pod, when it is tried again, and what its status says meanwhile. Keys are names of
 * containers, and `volumes` and `sandbox` for the work before them.
 */
export class PodFailures {
  readonly #context: PodContext
  readonly #backoff: CrashBackoff
  readonly #retries = new Map<string, Retry>()
  /** The last end of each container. */
  readonly #ends = new Map<string, { readonly id: string; readonly atMs: number }>()
  readonly #shown = new Map<string, { readonly reason: string; readonly message: string }>()

  constructor(context: PodContext, backoff: CrashBackoff) {
    this.#context = context
    this.#backoff = backoff
  }

  /** Why containers wait, as `state.waiting` shows it. */
  get shown(): ReadonlyMap<string, { readonly reason: string; readonly message: string }> {
    return this.#shown
  }

  forget(key: string): void {
    this.#retries.delete(key)
    this.#shown.delete(key)
  }

  isWaiting(key: string): boolean {
    return this.#untilRetryMs(key) > 0
  }

  /** Until the first thing that waits may be tried again. */
  nextRetryMs(): number {
    const waits = [...this.#retries.keys()].map(key => this.#untilRetryMs(key)).filter(waitMs => waitMs > 0)
    return Math.min(Number.POSITIVE_INFINITY, ...waits)
  }

  /** How long a container must not be started: it crashed too often, or could not be started a moment ago. */
  remainingMs(name: string, last: ContainerRecord | undefined): number {
    const nowMs = this.#context.clock.monotonicMs()
    const crashedAtMs = last?.phase === 'exited' ? this.#failedAtMs(last) : undefined
    const crashMs = crashedAtMs === undefined ? 0 : this.#backoff.remainingMs(name, { failedAtMs: crashedAtMs, nowMs })
    return Math.max(crashMs, this.#untilRetryMs(name))
  }

  /** A start begins: a container that ended before now owes a longer pause for its next end. */
  noteAttempt(name: string, last: ContainerRecord | undefined): void {
    if (last?.phase !== 'exited') return
    this.#backoff.next(name, { failedAtMs: this.#failedAtMs(last), nowMs: this.#context.clock.monotonicMs() })
  }

  /**
   * When a container ended, on the clock that never jumps. The runtime tells it by the other one, which is asked only once:
   * should somebody set that back by an hour, no container waits for an hour.
   */
  #failedAtMs({ id, name, finishedAt }: ContainerRecord): number {
    const known = this.#ends.get(name)
    if (known?.id === id) return known.atMs
    const { clock } = this.#context
    const agoMs = Math.max(0, clock.now().getTime() - (finishedAt ?? clock.now()).getTime())
    const atMs = clock.monotonicMs() - agoMs
    this.#ends.set(name, { id, atMs })
    return atMs
  }

  /** Containers whose pause is that of a crash show it, and tell of it once for each crash. */
  noteBackingOff(pod: Pod, backingOff: ReadonlyMap<string, number>, view: PodView): void {
    for (const name of backingOff.keys()) {
      const last = latestOf(view, name)
      if (last?.phase !== 'exited' || this.isWaiting(name)) continue
      const message = backOffMessage(pod, name, this.#backoff.delayMs(name))
      const isNew = this.#shown.get(name)?.message !== message
      this.#shown.set(name, { reason: 'CrashLoopBackOff', message })
      if (!isNew) continue
      const text = `Back-off restarting failed container ${name} in pod ${podText(pod)}`
      this.#context.events.record(pod, { type: 'Warning', reason: 'BackOff', message: text })
    }
  }

  noteStart(name: string, error: unknown): void {
    const failure = error instanceof StartFailure ? error : undefined
    const reason = failure?.reason ?? 'CreateContainerError'
    const message = error instanceof Error ? error.message : String(error)
    this.#shown.set(name, { reason, message })
    this.#retryLater(name, failure?.retryAfterMs)
  }

  noteVolumes(pod: Pod, error: unknown): void {
    this.#retryLater('volumes')
    const message = error instanceof Error ? error.message : String(error)
    this.#context.events.record(pod, { type: 'Warning', reason: 'FailedMount', message })
  }

  noteSandbox(pod: Pod, error: unknown): void {
    this.#retryLater('sandbox')
    const message = `Failed to create pod sandbox: ${error instanceof Error ? error.message : String(error)}`
    this.#context.events.record(pod, { type: 'Warning', reason: 'FailedCreatePodSandBox', message })
  }

  #retryLater(key: string, fixedMs?: number): void {
    const previousMs = this.#retries.get(key)?.delayMs
    const delayMs = fixedMs ?? Math.min((previousMs ?? RETRY_MS_MIN / 2) * 2, RETRY_MS_MAX)
    this.#retries.set(key, { delayMs, atMs: this.#context.clock.monotonicMs() + delayMs })
  }

  #untilRetryMs(key: string): number {
    const retry = this.#retries.get(key)
    return retry ? Math.max(0, retry.atMs - this.#context.clock.monotonicMs()) : 0
  }
}
