import type { Node, Pod } from '../../api/core-v1/types.ts'
import { isPodTerminating } from '../../machinery/pod-state.ts'
import { readinessOf } from '../node-lifecycle/node-health.ts'

/** Ended Pods that are kept for whoever wants to read them. */
const ENDED_PODS_MAX = 12_500

const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'

/** A person has said that the machine is off, and it does not answer: nothing on it runs any more. */
export const isOutOfService = (node: Node): boolean =>
  readinessOf(node) !== 'True' && (node.spec.taints ?? []).some(({ key }) => key === OUT_OF_SERVICE)

/** Whether a kubelet will still look after the Pod. `orphaned`: its machine seems to be gone. */
export function fateOf(pod: Pod, node: Node | undefined): 'keep' | 'remove' | 'orphaned' {
  if (!pod.spec.nodeName) return isPodTerminating(pod) ? 'remove' : 'keep'
  if (!node) return 'orphaned'
  return isPodTerminating(pod) && isOutOfService(node) ? 'remove' : 'keep'
}

/** The ended Pods above the number that is kept: evicted ones first, then by age. */
export function surplusEnded(ended: readonly Pod[], max: number = ENDED_PODS_MAX): readonly Pod[] {
  if (ended.length <= max) return []
  return ended.toSorted(byEvictionAndAge).slice(0, ended.length - max)
}

function byEvictionAndAge(a: Pod, b: Pod): number {
  const evicted = Number(isEvicted(b)) - Number(isEvicted(a))
  if (evicted !== 0) return evicted
  const [first, second] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  return first === second ? (a.metadata.name < b.metadata.name ? -1 : 1) : first < second ? -1 : 1
}

const isEvicted = ({ status }: Pod): boolean => status.reason === 'Evicted'
