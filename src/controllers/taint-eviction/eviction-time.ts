import type { Node, Pod, Taint } from '../../api/core-v1/types.ts'
import { podConditionOf } from '../../machinery/pod-state.ts'
import { tolerates } from '../../machinery/taints.ts'
import { timeOf } from '../../machinery/time.ts'

/**
 * When the Pod has to leave its machine: at once (the start of time) under a taint that it does not tolerate, at the
 * end of the shortest of its tolerations otherwise; undefined when it may stay for good.
 */
export function evictionTimeOf(pod: Pod, node: Node): Date | undefined {
  const times = (node.spec.taints ?? [])
    .filter(({ effect }) => effect === 'NoExecute')
    .flatMap(taint => leavingTimeOf(pod, taint) ?? [])
  return times.length > 0 ? new Date(Math.min(...times.map(time => time.getTime()))) : undefined
}

function leavingTimeOf(pod: Pod, taint: Taint): Date | undefined {
  const covering = (pod.spec.tolerations ?? []).filter(toleration => tolerates(toleration, taint))
  if (covering.length === 0) return new Date(0)
  const limits = covering.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? [])
  if (limits.length === 0) return undefined
  const since = Math.max(taint.timeAdded ? timeOf(taint.timeAdded).getTime() : 0, arrivalOf(pod).getTime())
  return new Date(since + Math.max(0, Math.min(...limits)) * 1000)
}

/** A Pod that came to a machine that was tainted already has its full time from then. */
function arrivalOf(pod: Pod): Date {
  const scheduled = podConditionOf(pod, 'PodScheduled')
  const isScheduled = scheduled?.status === 'True' && scheduled.lastTransitionTime
  return timeOf(isScheduled || pod.metadata.creationTimestamp)
}
