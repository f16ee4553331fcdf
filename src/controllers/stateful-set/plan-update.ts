import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { scaledValueOf } from '../../machinery/int-or-string.ts'
import { isPodActive } from '../../machinery/pod-state.ts'
import { replicasOf } from './identity.ts'
import { nothingToDo, type Plan, type Step } from './plan.ts'
import { isOutdated, isParallel, isUnavailable, slotsAbovePartition, strategyOf, type World } from './world.ts'

/** Brings Pods to the update revision by deleting outdated ones; they come back by the slot rules (U2). */
export function planUpdate(world: World): Plan {
  if (strategyOf(world) === 'OnDelete') return planOnDelete(world)
  if (strategyOf(world) === 'Recreate') return nothingToDo // Everything outdated went before any slot was looked at.
  if (!world.features.maxUnavailable) return planOneByOne(world)
  return isParallel(world.set) ? planParallelUpdate(world) : planOrderedUpdate(world)
}

/** Nothing is deleted: every Pod made from now on is at the update revision (U3). */
function planOnDelete(world: World): Plan {
  const outdated = podsOf(world).filter(pod => isOutdated(world, pod))
  return outdated.length > 0 ? { stages: [], wait: { rule: 'OnDelete', outdated } } : nothingToDo
}

/** Without maxUnavailable: the highest outdated Pod, when all above it are available again (U4). */
function planOneByOne(world: World): Plan {
  for (const { pod } of slotsAbovePartition(world).toReversed()) {
    if (pod && isOutdated(world, pod) && isPodActive(pod)) return deletionOf(world, [pod])
    if (isUnavailable(world, pod)) return budgetWait(world, 1)
  }
  return partitionWait(world)
}

/** As many outdated Pods from the top as the budget still allows, healthy or not (U9). */
export function planOrderedUpdate(world: World): Plan {
  const max = maxUnavailableOf(world.set)
  const unavailable = unavailableCount(world)
  const candidates = replaceable(world)
  if (candidates.length === 0) return partitionWait(world)
  if (unavailable >= max) return budgetWait(world, max)
  return deletionOf(world, candidates.slice(0, max - unavailable))
}

/**
 * Outdated Pods that are not available go at once, free of charge, since nothing gets worse by it; then available ones
 * from the top within the budget (U11, 1.37; kubernetes/kubernetes#137409).
 */
export function planParallelUpdate(world: World): Plan {
  const max = maxUnavailableOf(world.set)
  const candidates = replaceable(world)
  if (candidates.length === 0) return partitionWait(world)
  const broken = candidates.filter(pod => isUnavailable(world, pod))
  const healthy = candidates.filter(pod => !isUnavailable(world, pod))
  const chosen = [...broken, ...healthy.slice(0, Math.max(0, max - unavailableCount(world)))]
  return chosen.length > 0 ? deletionOf(world, chosen) : budgetWait(world, max)
}

/** The number itself, or the percentage of replicas rounded down; at least 1 (U8). */
export function maxUnavailableOf(set: StatefulSet): number {
  const value = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1
  return Math.max(1, scaledValueOf(value, { total: replicasOf(set), round: 'down' }))
}

const podsOf = ({ slots }: World): readonly Pod[] => slots.flatMap(({ pod }) => (pod ? [pod] : []))

/** Slots that are empty, or whose Pod is not available or is going. */
export const unavailableCount = (world: World): number =>
  world.slots.filter(({ pod }) => isUnavailable(world, pod)).length

/** Outdated Pods from the top down to the partition that are not on their way out; ended ones go by O7 anyway. */
const replaceable = (world: World): readonly Pod[] =>
  slotsAbovePartition(world)
    .toReversed()
    .flatMap(({ pod }) => (pod && isOutdated(world, pod) && isPodActive(pod) ? [pod] : []))

function deletionOf(world: World, pods: readonly Pod[]): Plan {
  const steps = pods.map((pod): Step => ({ kind: 'deletePod', pod, reason: 'OutdatedRevision' }))
  return { stages: [steps], wait: { rule: 'Updating', outdated: replaceable(world).length } }
}

const budgetWait = (world: World, max: number): Plan => ({
  stages: [],
  wait: {
    rule: 'UpdateBudget',
    unavailable: podsOf(world).filter(pod => isUnavailable(world, pod)),
    outdated: replaceable(world).length,
    max,
  },
})

/** Nothing above the partition is left to replace; what lies below stays until it is lowered. */
function partitionWait(world: World): Plan {
  const outdated = podsOf(world).filter(pod => isOutdated(world, pod)).length
  const partition = world.set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
  if (outdated === 0 || partition === 0) return nothingToDo
  return { stages: [], wait: { rule: 'Partition', outdated, partition } }
}
