import { Pod } from '../api/core-v1/types.ts'
import type { Dependencies } from '../client/controller.ts'
import { keyOf } from '../machinery/object.ts'
import { podConditionOf } from '../machinery/pod-state.ts'
import { isStatusError } from '../machinery/status.ts'
import { timeText } from '../machinery/time.ts'

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

  async #write(pod: Pod, reason: 'Unschedulable' | 'SchedulerError', message: string): Promise<void> {
    const { client, clock, events, informers, logger } = this.#dependencies
    events.record(pod, { type: 'Warning', reason: 'FailedScheduling', message })
    const current = podConditionOf(informers.informer(Pod).get(keyOf(pod)) ?? pod, 'PodScheduled')
    if (current?.status === 'False' && current.reason === reason && current.message === message) return
    const since = current?.status === 'False' ? current.lastTransitionTime : undefined
    const lastTransitionTime = since ?? timeText(clock.now())
    const { generation } = pod.metadata
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastTransitionTime,
      lastProbeTime: null,
      ...(generation !== undefined && { observedGeneration: generation }),
    }
    try {
      const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }
      await client.patch(Pod, keyOf(pod), { type: 'strategic', subresource: 'status', body })
    } catch (error) {
      const isGone = isStatusError(error, 'NotFound') || isStatusError(error, 'Conflict')
      if (!isGone) logger.warn({ err: error, pod: pod.metadata.name }, 'condition not written')
    }
  }
}
