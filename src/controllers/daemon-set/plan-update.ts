import type { Pod } from '../../api/core-v1/types.ts'
import { isPodAvailable, isPodTerminating } from '../../machinery/pod-state.ts'
import { nodeFitOf } from './daemon-pod.ts'
import { type DaemonPlan, type DaemonWorld, podsByNode } from './plan-nodes.ts'
import { isRollingUpdate, isUpdated } from './update-limits.ts'

/** The next step of a rolling update; nothing under OnDelete. */
export function planUpdate(world: DaemonWorld): DaemonPlan {
  if (!isRollingUpdate(world.set)) return { create: [], remove: [] }
  const nodes = pairsOf(world)
  return world.limits.surge > 0 ? planSurge(world, nodes) : planReplacement(world, nodes)
}

/** The old and the new Pod of one machine. Terminating ones count as gone. */
interface NodePair {
  readonly node: string
  readonly newPod: Pod | undefined
  readonly oldPod: Pod | undefined
}

/** Machines with two Pods of one side are left out: the surplus goes first. */
function pairsOf({ set, nodes, pods, hash }: DaemonWorld): readonly NodePair[] {
  const byNode = podsByNode(pods)
  const fitting = nodes.filter(node => nodeFitOf(set, node).shouldRun)
  return fitting.flatMap(({ metadata: { name: node } }) => {
    const present = (byNode.get(node) ?? []).filter(pod => !isPodTerminating(pod))
    const updated = present.filter(pod => isUpdated(set, pod, hash))
    const outdated = present.filter(pod => !isUpdated(set, pod, hash))
    return updated.length > 1 || outdated.length > 1 ? [] : [{ node, newPod: updated[0], oldPod: outdated[0] }]
  })
}

/** Old Pods go while few enough are unavailable. One that is unavailable already goes at no cost. */
function planReplacement({ set, limits, now }: DaemonWorld, pairs: readonly NodePair[]): DaemonPlan {
  const isAvailable = (pod: Pod): boolean => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)
  const broken: Pod[] = []
  const working: Pod[] = []
  let unavailable = 0
  for (const { newPod, oldPod } of pairs) {
    if (oldPod && !newPod) {
      if (isAvailable(oldPod)) working.push(oldPod)
      else broken.push(oldPod)
      if (!isAvailable(oldPod)) unavailable++
    } else if (!newPod || oldPod || !isAvailable(newPod)) unavailable++
  }
  const allowed = working.slice(0, Math.max(0, limits.unavailable - unavailable))
  return { create: [], remove: [...broken, ...allowed].map(pod => ({ pod, reason: 'Outdated' })) }
}

/** New Pods come beside old ones; an old one goes when the new one beside it is available. */
function planSurge({ set, limits, now }: DaemonWorld, pairs: readonly NodePair[]): DaemonPlan {
  const isAvailable = (pod: Pod): boolean => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)
  const outdated = pairs.filter(({ newPod, oldPod }) => oldPod && !newPod)
  const paired = pairs.filter(({ newPod, oldPod }) => oldPod && newPod)
  const broken = outdated.filter(({ oldPod }) => !isAvailable(oldPod!))
  const working = outdated.filter(({ oldPod }) => isAvailable(oldPod!))
  const allowed = working.slice(0, Math.max(0, limits.surge - paired.length))
  return {
    create: [...broken, ...allowed].map(({ node }) => node),
    remove: paired
      .filter(({ newPod }) => isAvailable(newPod!))
      .map(({ oldPod }) => ({ pod: oldPod!, reason: 'Outdated' })),
  }
}
