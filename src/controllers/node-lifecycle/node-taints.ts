import type { Node, Taint } from '../../api/core-v1/types.ts'
import { timeText } from '../../machinery/time.ts'
import { readinessOf } from './node-health.ts'

const NOT_READY = 'node.kubernetes.io/not-ready'
const UNREACHABLE = 'node.kubernetes.io/unreachable'
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable'

/** Conditions that, while true, keep new Pods away. */
const PRESSURES: ReadonlyMap<string, string> = new Map([
  ['MemoryPressure', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'node.kubernetes.io/network-unavailable'],
])

const OURS = new Set([NOT_READY, UNREACHABLE, UNSCHEDULABLE, ...PRESSURES.values()])

/** The key under which a machine that is not ready is tainted: it says so itself, or nobody can ask it. */
export const unhealthyKeyOf = (node: Node): string | undefined => {
  const readiness = readinessOf(node)
  if (readiness === 'True') return undefined
  return readiness === 'False' ? NOT_READY : UNREACHABLE
}

/**
 * The taints that the machine's conditions ask for. `evicts` says whether its Pods may be driven off now as well.
 * Taints of others, and the times of those that stay, are kept.
 */
export function taintsOf(
  node: Node,
  { evicts, now }: { readonly evicts: boolean; readonly now: Date },
): readonly Taint[] {
  const keys = [...PRESSURES].filter(([type]) => conditionIsTrue(node, type)).map(([, key]) => key)
  if (node.spec.unschedulable) keys.push(UNSCHEDULABLE)
  const unhealthy = unhealthyKeyOf(node)
  if (unhealthy) keys.push(unhealthy)
  const wanted = keys.map((key): Taint => ({ key, effect: 'NoSchedule', timeAdded: timeText(now) }))
  if (unhealthy && evicts) wanted.push({ key: unhealthy, effect: 'NoExecute', timeAdded: timeText(now) })
  const current = node.spec.taints ?? []
  const isWanted = (taint: Taint): boolean => wanted.some(other => isSame(other, taint))
  const kept = current.filter(taint => !OURS.has(taint.key) || taint.effect === 'PreferNoSchedule' || isWanted(taint))
  return [...kept, ...wanted.filter(taint => !current.some(other => isSame(other, taint)))]
}

const conditionIsTrue = ({ status }: Node, type: string): boolean =>
  status.conditions?.find(condition => condition.type === type)?.status === 'True'

const isSame = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect

/** Whether Pods of the machine are being driven off because it is not healthy. */
export const isEvicting = (node: Node): boolean => {
  const key = unhealthyKeyOf(node)
  return node.spec.taints?.some(taint => taint.key === key && taint.effect === 'NoExecute') ?? false
}
