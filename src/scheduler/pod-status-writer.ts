import { Pod } from '../api/core-v1/types.ts'
import type { Dependencies } from '../client/controller.ts'
import { keyOf } from '../machinery/object.ts'
import { podConditionOf } from '../machinery/pod-state.ts'
import { isStatusError } from '../machinery/status.ts'
import { timeText } from '../machinery/time.ts'

type Reason = 'Unschedulable' | 'SchedulerError'

/** A Pod that changes faster than this keeps its old condition until the next attempt. */
const TRIES_MAX = 3

/** Tells users why a Pod has no machine: an event for each attempt, and the PodScheduled condition when it changes. */
export class PodStatusWriter {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** No machine fits. */
  unschedulable(pod: Pod, message: string): Promise<void> {
    return this.#write(pod, 'Unschedulable', message)
  }

  /** Something went wrong on the way to the machine. */
  failed(pod: Pod, error: unknown): Promise<void> {
    return this.#write(pod, 'SchedulerError', error instanceof Error ? error.message : String(error))
  }

  async #write(pod: Pod, reason: Reason, message: string): Promise<void> {
    const { events, informers, logger } = this.#dependencies
    events.record(pod, { type: 'Warning', reason: 'FailedScheduling', message })
    try {
      const cached = informers.informer(Pod).get(keyOf(pod)) ?? pod
      if (!(await this.#wroteOnto(cached, reason, message))) await this.#writeOntoLatest(pod, reason, message)
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return
      logger.warn({ err: error, pod: pod.metadata.name }, 'condition not written')
    }
  }

  /** The Pod has changed meanwhile. If it was given a machine, there is nothing to tell any more. */
  async #writeOntoLatest(pod: Pod, reason: Reason, message: string): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const latest = await this.#dependencies.client.find(Pod, keyOf(pod))
      if (latest?.metadata.uid !== pod.metadata.uid || latest.spec.nodeName) return
      if (await this.#wroteOnto(latest, reason, message)) return
    }
  }

  /** Exactly onto this version: a refusal that arrives late must not deny a binding. False when it has changed. */
  async #wroteOnto(pod: Pod, reason: Reason, message: string): Promise<boolean> {
    const { client, clock } = this.#dependencies
    const current = podConditionOf(pod, 'PodScheduled')
    if (current?.status === 'False' && current.reason === reason && current.message === message) return true
    const since = current?.status === 'False' ? current.lastTransitionTime : undefined
    const { uid, resourceVersion, generation } = pod.metadata
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastTransitionTime: since ?? timeText(clock.now()),
      lastProbeTime: null,
      ...(generation !== undefined && { observedGeneration: generation }),
    }
    const body = { metadata: { uid, resourceVersion }, status: { conditions: [condition] } }
    try {
      await client.patch(Pod, keyOf(pod), { type: 'strategic', subresource: 'status', body })
      return true
    } catch (error) {
      if (isStatusError(error, 'Conflict')) return false
      throw error
    }
  }
}
