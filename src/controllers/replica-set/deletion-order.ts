import type { Pod } from '../../api/core-v1/types.ts'
import { isPodReady, podConditionOf } from '../../machinery/pod-state.ts'
import { timeOf } from '../../machinery/time.ts'

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'

/** The least advanced phases first. */
const PHASES = ['Pending', 'Unknown', 'Running']

/**
 * The Pods in the order in which they may be spared: unscheduled, pending and unready ones first, then by the deletion
 * cost that users set, then where many share a machine, then those ready most recently, restarted most and created last.
 * Times count by orders of magnitude, so that not always the same machine loses its Pods.
 */
export function deletionOrder(
  pods: readonly Pod[],
  { related, now }: { readonly related: readonly Pod[]; readonly now: Date },
): readonly Pod[] {
  const crowd = new Map<string, number>()
  for (const { spec } of related) crowd.set(spec.nodeName ?? '', (crowd.get(spec.nodeName ?? '') ?? 0) + 1)
  const keys = new Map(pods.map(pod => [pod, sortKeyOf(pod, crowd.get(pod.spec.nodeName ?? '') ?? 0, now)]))
  return [...pods].sort((a, b) => compareKeys(keys.get(a)!, keys.get(b)!))
}

function sortKeyOf(pod: Pod, sharing: number, now: Date): readonly number[] {
  const isReady = isPodReady(pod)
  const readySince = podConditionOf(pod, 'Ready')?.lastTransitionTime
  return [
    pod.spec.nodeName ? 1 : 0,
    PHASES.indexOf(pod.status.phase ?? 'Pending'),
    isReady ? 1 : 0,
    deletionCostOf(pod),
    -sharing,
    isReady && readySince ? magnitudeOf(now.getTime() - timeOf(readySince).getTime()) : 0,
    -Math.max(0, ...(pod.status.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    magnitudeOf(now.getTime() - timeOf(pod.metadata.creationTimestamp).getTime()),
  ]
}

const magnitudeOf = (ageMs: number): number => (ageMs <= 0 ? 0 : Math.floor(Math.log2(ageMs)) + 1)

/** A cost that is no whole number of 32 bits counts as none. */
function deletionCostOf({ metadata }: Pod): number {
  const text = metadata.annotations?.[DELETION_COST] ?? ''
  const cost = /^-?\d+$/.test(text) ? Number(text) : 0
  return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (const [at, value] of a.entries()) if (value !== b[at]) return value - b[at]!
  return 0
}
