import { Pod, type PodStatus } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import { keyOf } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import { isSameStatus } from './pod-status.ts'

const RETRY_MS_MIN = 200
const RETRY_MS_MAX = 3000

export interface PodApiOptions {
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** What a worker knows of its Pod, and to whom it tells how the Pod is. */
export interface PodRecord {
  readonly pod: Pod
  /** True when nobody wants it any more: what runs of it is ended. */
  readonly isGone: boolean
  update(pod: Pod): void
  markGone(): void
  publish(statusFor: (pod: Pod) => PodStatus): Promise<void>
  remove(): Promise<void>
}

/**
 * One Pod in the API: its newest known version, and the writing of its status, one write at a time, the newest status
 * winning. What cannot be written now is written when the server is back.
 */
export class PodApi implements PodRecord {
  #pod: Pod
  #isGone = false
  #writing: Promise<void> | undefined
  #wanted: ((pod: Pod) => PodStatus) | undefined
  readonly #options: PodApiOptions

  constructor(pod: Pod, options: PodApiOptions) {
    this.#pod = pod
    this.#options = options
  }

  get pod(): Pod {
    return this.#pod
  }

  /** True when the API has it no more. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** Takes a version that a watch or a write brought, unless a newer one is known. */
  update(pod: Pod): void {
    if (isNewer(pod, this.#pod)) this.#pod = pod
  }

  markGone(): void {
    this.#isGone = true
  }

  /** Writes what `statusFor` makes of the newest version, unless that is what it has. Returns when nothing is left to write. */
  publish(statusFor: (pod: Pod) => PodStatus): Promise<void> {
    this.#wanted = statusFor
    this.#writing ??= this.#writeUntilDone()
    return this.#writing
  }

  async #writeUntilDone(): Promise<void> {
    try {
      await this.#writeAll()
    } finally {
      this.#writing = undefined
    }
    if (this.#wanted) await this.publish(this.#wanted) // Asked for after the last write, before this moment.
  }

  /** Takes the Pod out of the API for good. Resolves when it is out, or has been replaced by another of its name. */
  async remove(): Promise<void> {
    await this.#untilDone(async () => {
      const { uid } = this.#pod.metadata
      await this.#options.client.delete(Pod, keyOf(this.#pod), { gracePeriodSeconds: 0, preconditions: { uid } })
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#wanted) {
      const statusFor = this.#wanted
      this.#wanted = undefined
      await this.#untilDone(() => this.#write(this.#wanted ?? statusFor))
    }
  }

  async #write(statusFor: (pod: Pod) => PodStatus): Promise<void> {
    const status = statusFor(this.#pod)
    if (isSameStatus(status, this.#pod.status)) return
    try {
      this.update(await this.#options.client.updateStatus(Pod, { ...this.#pod, status }))
    } catch (error) {
      if (!isStatusError(error, 'Conflict')) throw error
      const fresh = await this.#options.client.get(Pod, keyOf(this.#pod))
      if (fresh.metadata.uid !== this.#pod.metadata.uid) return this.markGone()
      this.#pod = fresh
      await this.#write(statusFor)
    }
  }

  /** Repeats until it is done, the Pod is gone, or the kubelet stops. */
  async #untilDone(act: () => Promise<void>): Promise<void> {
    const { clock, logger, signal } = this.#options
    for (let delayMs = RETRY_MS_MIN; !this.#isGone && !signal.aborted; delayMs = Math.min(delayMs * 2, RETRY_MS_MAX)) {
      try {
        return await act()
      } catch (error) {
        if (isStatusError(error, 'NotFound')) return this.markGone()
        if (isStatusError(error, 'Conflict')) return
        logger.warn({ error, pod: keyOf(this.#pod) }, 'could not write a pod; trying again')
        await clock.sleep(delayMs, signal).catch(() => {}) // Aborted: the loop ends.
      }
    }
  }
}

/** Resource versions of one object are numbers that grow (KEP-5504). */
const isNewer = (a: Pod, b: Pod): boolean => BigInt(a.metadata.resourceVersion) >= BigInt(b.metadata.resourceVersion)
