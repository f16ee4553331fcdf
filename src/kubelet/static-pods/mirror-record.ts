import { Node, Pod, type PodStatus } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import { keyOf } from '../../machinery/object.ts'
import type { PodRecord } from '../pod/pod-api.ts'
import { isSameStatus } from '../pod/pod-status.ts'
import { isMirror, isMirrorOf, mirrorOf } from './manifests.ts'

const RETRY_MS_MIN = 200
const RETRY_MS_MAX = 3000

export interface MirrorOptions {
  readonly nodeName: string
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}

/**
 * A Pod that the machine runs by itself. The API has a mirror of it, for people to look at: kept like the Pod while the
 * server can be reached, and without a say in the Pod's life.
 */
export class MirrorRecord implements PodRecord {
  #pod: Pod
  #isGone = false
  #hasNews = false
  #writing: Promise<void> | undefined
  readonly #options: MirrorOptions

  constructor(pod: Pod, options: MirrorOptions) {
    this.#pod = pod
    this.#options = options
  }

  get pod(): Pod {
    return this.#pod
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** What the API says of its mirror is nothing new. */
  update(): void {}

  /** Its file is gone. */
  markGone(): void {
    this.#isGone = true
  }

  /** Returns at once: nothing here waits for the API. */
  async publish(statusFor: (pod: Pod) => PodStatus): Promise<void> {
    const status = statusFor(this.#pod)
    if (isSameStatus(status, this.#pod.status)) return
    this.#pod = { ...this.#pod, status }
    this.showAgain()
  }

  /** Nobody can delete it by the API. */
  async remove(): Promise<void> {}

  /** Brings the mirror to what the Pod is; makes it when it is not there. */
  showAgain(): void {
    this.#hasNews = true
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
      if (this.#hasNews && !this.#isGone && !this.#options.signal.aborted) this.showAgain() // Told since the last look.
    })
  }

  async #writeAll(): Promise<void> {
    const { clock, logger, signal } = this.#options
    for (let delayMs = RETRY_MS_MIN; this.#hasNews && !this.#isGone && !signal.aborted; ) {
      this.#hasNews = false
      try {
        await this.#write()
        delayMs = RETRY_MS_MIN
      } catch (error) {
        this.#hasNews = true
        logger.warn({ error, pod: keyOf(this.#pod) }, 'could not show a static pod in the API; trying again')
        await clock.sleep(delayMs, signal).catch(() => {}) // Aborted: the loop ends.
        delayMs = Math.min(delayMs * 2, RETRY_MS_MAX)
      }
    }
  }

  async #write(): Promise<void> {
    const { client, nodeName } = this.#options
    const known = await client.find(Pod, keyOf(this.#pod))
    if (known && isMirrorOf(known, this.#pod)) {
      await client.updateStatus(Pod, { ...known, status: this.#pod.status })
      return
    }
    if (known && !isMirror(known)) throw new Error('its name belongs to another pod')
    if (known) await removeMirror(client, known)
    const { metadata } = await client.get(Node, { name: nodeName })
    const made = await client.create(Pod, mirrorOf(this.#pod, { name: nodeName, uid: metadata.uid }))
    await client.updateStatus(Pod, { ...made, status: this.#pod.status })
  }
}

export const removeMirror = (client: Client, { metadata }: Pod): Promise<void> =>
  client.delete(Pod, metadata, { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } })
