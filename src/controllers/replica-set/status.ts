import type { Pod } from '../../api/core-v1/types.ts'
import {
  isPodActive,
  isPodAvailable,
  isPodReady,
  isPodTerminating,
  untilPodAvailableMs,
} from '../../machinery/pod-state.ts'
import type { Labels } from '../../machinery/selectors.ts'
import { timeText } from '../../machinery/time.ts'
import { messageOf } from '../attempt-all.ts'
import { withoutZeros } from '../without-zeros.ts'
import type { ReplicaOwner, ReplicaSetCondition, ReplicaSetStatus } from './replica-owner.ts'

/** What kept the owner from the number of Pods that it wants. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete'
  readonly error: unknown
}

/** The status by the Pods that are there. `pods` are all that the owner controls and selects. */
export function statusOf(
  { metadata, spec, status }: ReplicaOwner,
  { pods, failure, now }: { readonly pods: readonly Pod[]; readonly failure?: ReplicaFailure; readonly now: Date },
): ReplicaSetStatus {
  const active = pods.filter(isPodActive)
  const ready = active.filter(isPodReady)
  const templateLabels = Object.entries(spec.template?.metadata?.labels ?? {})
  const bearsAll = (labels: Labels = {}): boolean => templateLabels.every(([key, value]) => labels[key] === value)
  const conditions = conditionsOf(status.conditions ?? [], failure, now)
  const counts = {
    fullyLabeledReplicas: active.filter(pod => bearsAll(pod.metadata.labels)).length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter(pod => isPodAvailable(pod, spec.minReadySeconds ?? 0, now)).length,
    observedGeneration: metadata.generation ?? 0,
  }
  return {
    replicas: active.length,
    ...withoutZeros(counts),
    terminatingReplicas: pods.filter(isPodTerminating).length,
    ...(conditions.length > 0 && { conditions }),
  }
}

const FAILURE = 'ReplicaFailure'

function conditionsOf(
  previous: readonly ReplicaSetCondition[],
  failure: ReplicaFailure | undefined,
  now: Date,
): readonly ReplicaSetCondition[] {
  const others = previous.filter(({ type }) => type !== FAILURE)
  if (!failure) return others
  const standing = previous.find(({ type, reason }) => type === FAILURE && reason === failure.reason)
  if (standing) return previous
  const { reason, error } = failure
  const lastTransitionTime = timeText(now)
  return [...others, { type: FAILURE, status: 'True', reason, message: messageOf(error), lastTransitionTime }]
}

/** When the next ready Pod becomes available; undefined when none will by waiting alone. */
export function untilNextAvailableMs(pods: readonly Pod[], minReadySeconds: number, now: Date): number | undefined {
  const waits = pods.filter(isPodActive).flatMap(pod => untilPodAvailableMs(pod, minReadySeconds, now) || [])
  return waits.length > 0 ? Math.min(...waits) : undefined
}
