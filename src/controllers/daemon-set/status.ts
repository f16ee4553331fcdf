import type { DaemonSetStatus } from '../../api/apps-v1/types.ts'
import { isPodAvailable, isPodReady } from '../../machinery/pod-state.ts'
import { withoutZeros } from '../without-zeros.ts'
import { nodeFitOf } from './daemon-pod.ts'
import { type DaemonWorld, podsByNode } from './plan-nodes.ts'
import { isUpdated } from './update-limits.ts'

/** The counts over all machines; of several Pods on one, the oldest counts. */
export function statusOf(world: DaemonWorld & { readonly collisionCount: number | undefined }): DaemonSetStatus {
  const { set, nodes, pods, hash, now, collisionCount } = world
  const byNode = podsByNode(pods)
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 }
  for (const node of nodes) {
    const pod = byNode.get(node.metadata.name)?.[0]
    if (!nodeFitOf(set, node).shouldRun) {
      if (pod) counts.misscheduled++
      continue
    }
    counts.desired++
    if (!pod) continue
    counts.current++
    if (isPodReady(pod)) counts.ready++
    if (isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)) counts.available++
    if (isUpdated(set, pod, hash)) counts.updated++
  }
  return {
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misscheduled,
    desiredNumberScheduled: counts.desired,
    numberReady: counts.ready,
    ...withoutZeros({
      observedGeneration: set.metadata.generation ?? 0,
      updatedNumberScheduled: counts.updated,
      numberAvailable: counts.available,
      numberUnavailable: counts.desired - counts.available,
    }),
    ...(collisionCount !== undefined && { collisionCount }),
    ...(set.status.conditions && { conditions: set.status.conditions }),
  }
}

/** How many machines shall have a Pod. */
export const desiredOf = ({ set, nodes }: Pick<DaemonWorld, 'set' | 'nodes'>): number =>
  nodes.filter(node => nodeFitOf(set, node).shouldRun).length
