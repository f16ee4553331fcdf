import type { Deployment, ReplicaSet } from '../../api/apps-v1/types.ts'
import { scaledValueOf } from '../../machinery/int-or-string.ts'

export const replicasOf = ({ spec }: Deployment | ReplicaSet): number => spec.replicas ?? 1

export const isRollingUpdate = ({ spec }: Deployment): boolean => spec.strategy?.type !== 'Recreate'

export interface RolloutLimits {
  readonly surge: number
  readonly unavailable: number
}

/** Surge is rounded up and unavailability down; both zero would never move, so one Pod may then be unavailable. */
export function rolloutLimitsOf(deployment: Deployment): RolloutLimits {
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {}
  const total = replicasOf(deployment)
  const surge = scaledValueOf(maxSurge, { total, round: 'up' })
  const unavailable = scaledValueOf(maxUnavailable, { total, round: 'down' })
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable }
}

/** Pods above the wanted number. A Deployment that re-creates its Pods has none. */
export const surgeOf = (deployment: Deployment): number =>
  isRollingUpdate(deployment) ? rolloutLimitsOf(deployment).surge : 0

/** How many Pods may be unavailable: never more than there shall be. */
export function unavailableMaxOf(deployment: Deployment): number {
  if (!isRollingUpdate(deployment) || replicasOf(deployment) === 0) return 0
  return Math.min(rolloutLimitsOf(deployment).unavailable, replicasOf(deployment))
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

export const specReplicasOf = (sets: readonly ReplicaSet[]): number => sum(sets.map(replicasOf))
export const actualReplicasOf = (sets: readonly ReplicaSet[]): number => sum(sets.map(({ status }) => status.replicas))
export const readyReplicasOf = (sets: readonly ReplicaSet[]): number =>
  sum(sets.map(({ status }) => status.readyReplicas ?? 0))
export const availableReplicasOf = (sets: readonly ReplicaSet[]): number =>
  sum(sets.map(({ status }) => status.availableReplicas ?? 0))

/** How large the newest ReplicaSet may be now, within the surge. */
export function newReplicasOf(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newest: Pick<ReplicaSet, 'spec'>,
): number {
  const wanted = replicasOf(deployment)
  if (!isRollingUpdate(deployment)) return wanted
  const current = newest.spec.replicas ?? 1
  const room = wanted + surgeOf(deployment) - specReplicasOf(all)
  return room <= 0 ? current : current + Math.min(room, wanted - current)
}
