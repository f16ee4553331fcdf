import type { Deployment, ReplicaSet } from '../../api/apps-v1/types.ts'
import { availableReplicasOf, newReplicasOf, replicasOf, specReplicasOf, unavailableMaxOf } from './rollout-limits.ts'

/** A ReplicaSet and the size that it shall have. */
export interface Scaling {
  readonly set: ReplicaSet
  readonly replicas: number
}

/** The next step of a rolling update: the newest grows as far as the surge allows, or else the old ones shrink. */
export function planRollingUpdate(
  deployment: Deployment,
  { newest, old }: { readonly newest: ReplicaSet; readonly old: readonly ReplicaSet[] },
): readonly Scaling[] {
  const all = [...old, newest]
  const wanted = replicasOf(deployment)
  const current = replicasOf(newest)
  if (current > wanted) return [{ set: newest, replicas: wanted }]
  const grown = current < wanted ? newReplicasOf(deployment, all, newest) : current
  if (grown !== current) return [{ set: newest, replicas: grown }]
  return planShrinking(deployment, { newest, old })
}

/**
 * How the old ReplicaSets shrink: first by Pods that do not work, then by working ones, oldest set first, and never so
 * far that fewer than the wanted minimum are available. New Pods that are not available yet count as missing.
 */
export function planShrinking(
  deployment: Deployment,
  { newest, old }: { readonly newest: ReplicaSet; readonly old: readonly ReplicaSet[] },
): readonly Scaling[] {
  const all = [...old, newest]
  if (specReplicasOf(old) === 0) return []
  const availableMin = replicasOf(deployment) - unavailableMaxOf(deployment)
  const newUnavailable = replicasOf(newest) - (newest.status.availableReplicas ?? 0)
  const removableMax = specReplicasOf(all) - availableMin - newUnavailable
  if (removableMax <= 0) return []

  const sizes = new Map([...old].sort(byCreation).map(set => [set, replicasOf(set)]))
  let removable = removableMax
  for (const [set, size] of sizes) {
    const broken = size - Math.min(size, set.status.availableReplicas ?? 0)
    const removed = Math.min(removable, broken)
    removable -= removed
    sizes.set(set, size - removed)
  }
  let spare = availableReplicasOf(all) - availableMin
  for (const [set, size] of sizes) {
    const removed = Math.max(0, Math.min(size, spare))
    spare -= removed
    sizes.set(set, size - removed)
  }
  return [...sizes].filter(([set, size]) => size !== replicasOf(set)).map(([set, replicas]) => ({ set, replicas }))
}

export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [first, second] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  if (first !== second) return first < second ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : 1
}
