import type { Deployment, ReplicaSet } from '../../api/apps-v1/types.ts'
import { byCreation, type Scaling } from './plan-rolling-update.ts'
import { countIn, DESIRED_REPLICAS, MAX_REPLICAS } from './replica-set-annotations.ts'
import { isRollingUpdate, replicasOf, specReplicasOf, surgeOf } from './rollout-limits.ts'

interface Sets {
  readonly newest: ReplicaSet | undefined
  readonly old: readonly ReplicaSet[]
}

/** Whether the Deployment was scaled since it last scaled its ReplicaSets. */
export const wasScaled = (deployment: Deployment, sets: readonly ReplicaSet[]): boolean =>
  sets
    .filter(set => replicasOf(set) > 0)
    .some(set => (countIn(set, DESIRED_REPLICAS) ?? replicasOf(deployment)) !== replicasOf(deployment))

/**
 * Follows a change of the wanted number without rolling on: the only active ReplicaSet takes it all; a finished rollout
 * drops what is left of the old ones; in the middle of one, every ReplicaSet keeps its share.
 */
export function planScaling(deployment: Deployment, { newest, old }: Sets): readonly Scaling[] {
  const all = newest ? [...old, newest] : [...old]
  const active = all.filter(set => replicasOf(set) > 0)
  if (active.length <= 1) {
    const only = active[0] ?? newest ?? [...old].sort(byCreation).at(-1)
    const wanted = replicasOf(deployment)
    return only && replicasOf(only) !== wanted ? [{ set: only, replicas: wanted }] : []
  }
  if (newest && isSaturated(deployment, newest)) {
    return old.filter(set => replicasOf(set) > 0).map(set => ({ set, replicas: 0 }))
  }
  return isRollingUpdate(deployment) ? proportional(deployment, active) : []
}

/** It has all the Pods that the Deployment wants, and they are available. */
function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const wanted = replicasOf(deployment)
  const isSized = replicasOf(set) === wanted && countIn(set, DESIRED_REPLICAS) === wanted
  return isSized && (set.status.availableReplicas ?? 0) === wanted
}

/** Largest first; of equals the newer first when growing, the older first when shrinking. What rounding leaves is the first's. */
function proportional(deployment: Deployment, active: readonly ReplicaSet[]): readonly Scaling[] {
  const wanted = replicasOf(deployment)
  const allowed = wanted > 0 ? wanted + surgeOf(deployment) : 0
  const change = allowed - specReplicasOf(active)
  const isGrowing = change > 0
  const ordered = [...active].sort(
    (a, b) => replicasOf(b) - replicasOf(a) || (isGrowing ? byCreation(b, a) : byCreation(a, b)),
  )
  let given = 0
  const scalings = ordered.map(set => {
    const share = shareOf(set, { deployment, change, given })
    given += share
    return { set, replicas: replicasOf(set) + share }
  })
  return scalings.map(({ set, replicas }, at) => ({
    set,
    replicas: Math.max(0, at === 0 ? replicas + change - given : replicas),
  }))
}

/** By how much the set grows to keep its part of the whole, never more than is left to give. */
function shareOf(
  set: ReplicaSet,
  { deployment, change, given }: { readonly deployment: Deployment; readonly change: number; readonly given: number },
): number {
  const left = change - given
  if (change === 0 || left === 0) return 0
  const wanted = replicasOf(deployment)
  if (wanted === 0) return -replicasOf(set)
  const before = countIn(set, MAX_REPLICAS) ?? deployment.status.replicas ?? 0
  if (before === 0) return 0
  const share = Math.round((replicasOf(set) * (wanted + surgeOf(deployment))) / before) - replicasOf(set)
  return change > 0 ? Math.min(share, left) : Math.max(share, left)
}
