import type { DaemonSet } from '../../api/apps-v1/types.ts'
import type { Node, Pod } from '../../api/core-v1/types.ts'
import { hasPodEnded, isPodAvailable, isPodTerminating } from '../../machinery/pod-state.ts'
import { nodeFitOf, targetNodeOf } from './daemon-pod.ts'
import { isUpdated, type UpdateLimits } from './update-limits.ts'

/** A daemon Pod to delete, and why. */
export interface Removal {
  readonly pod: Pod
  readonly reason: 'Ended' | 'Surplus' | 'Misplaced' | 'Outdated'
}

export interface DaemonPlan {
  /** Names of machines that need a Pod. */
  readonly create: readonly string[]
  readonly remove: readonly Removal[]
}

/** The set with everything that its decisions are made from. */
export interface DaemonWorld {
  readonly set: DaemonSet
  readonly nodes: readonly Node[]
  readonly pods: readonly Pod[]
  /** Of the current revision. */
  readonly hash: string
  readonly limits: UpdateLimits
  readonly now: Date
}

/** The Pods by the machine that they run on or are meant for, oldest first. */
export function podsByNode(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const byNode = new Map<string, Pod[]>()
  for (const pod of [...pods].sort(byAge)) {
    const name = targetNodeOf(pod)
    if (name === undefined) continue
    const list = byNode.get(name)
    if (list) list.push(pod)
    else byNode.set(name, [pod])
  }
  return byNode
}

/** Those with a machine before those without, then the older first. */
function byAge(a: Pod, b: Pod): number {
  if (Boolean(a.spec.nodeName) !== Boolean(b.spec.nodeName)) return a.spec.nodeName ? -1 : 1
  const [first, second] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  return first === second ? (a.metadata.name < b.metadata.name ? -1 : 1) : first < second ? -1 : 1
}

/** One Pod on each machine that shall have one, and none elsewhere. What is on its way out is waited for. */
export function planNodes(world: DaemonWorld): DaemonPlan {
  const byNode = podsByNode(world.pods)
  const create: string[] = []
  const remove: Removal[] = []
  for (const node of world.nodes) {
    const pods = byNode.get(node.metadata.name) ?? []
    const { shouldRun, mayStay } = nodeFitOf(world.set, node)
    if (shouldRun && pods.length === 0) create.push(node.metadata.name)
    else if (mayStay)
      remove.push(
        ...superfluous(
          world,
          pods.filter(pod => !isPodTerminating(pod)),
        ),
      )
    else
      remove.push(
        ...removalsOf(
          pods.filter(pod => !isPodTerminating(pod)),
          'Misplaced',
        ),
      )
  }
  const known = new Set(world.nodes.map(({ metadata }) => metadata.name))
  for (const [name, pods] of byNode) {
    const waiting = pods.filter(pod => !pod.spec.nodeName && !isPodTerminating(pod))
    if (!known.has(name)) remove.push(...removalsOf(waiting, 'Misplaced')) // Bound ones are the business of Pod GC.
  }
  return { create, remove }
}

const removalsOf = (pods: readonly Pod[], reason: Removal['reason']): readonly Removal[] =>
  pods.map(pod => ({ pod, reason }))

/** Of the Pods on one machine the oldest stays; while a surge replaces it, the oldest new one beside it. */
function superfluous({ set, hash, limits, now }: DaemonWorld, pods: readonly Pod[]): readonly Removal[] {
  const ended = removalsOf(pods.filter(hasPodEnded), 'Ended')
  const running = pods.filter(pod => !hasPodEnded(pod))
  if (limits.surge === 0) return [...ended, ...removalsOf(running.slice(1), 'Surplus')]
  const [newest, ...otherNew] = running.filter(pod => isUpdated(set, pod, hash))
  const [oldest, ...otherOld] = running.filter(pod => !isUpdated(set, pod, hash))
  const isReplaced = newest && oldest && isPodAvailable(newest, set.spec.minReadySeconds ?? 0, now)
  const replaced = isReplaced ? removalsOf([oldest], 'Outdated') : []
  return [...ended, ...removalsOf([...otherNew, ...otherOld], 'Surplus'), ...replaced]
}
