import type { Pod } from '../../api/core-v1/types.ts'
import type { Condition } from '../../api/meta-v1/types.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/policy-v1/types.ts'
import { scaledValueOf } from '../../machinery/int-or-string.ts'
import { isPodReady, isPodTerminating } from '../../machinery/pod-state.ts'
import { timeOf, timeText } from '../../machinery/time.ts'

/** How long an eviction that was allowed may take to delete its Pod, before it counts as never done. */
const DELETION_MS_MAX = 120_000

export interface Expected {
  readonly expectedPods: number
  readonly desiredHealthy: number
}

/** A whole number of available Pods needs no owner to ask; everything else is of the size that the owners want. */
export const needsScale = ({ spec }: PodDisruptionBudget): boolean =>
  spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string'

/** What the budget expects of `scale` wanted Pods; percentages are rounded up. */
export function expectedOf({ spec }: PodDisruptionBudget, scale: number): Expected {
  const { maxUnavailable, minAvailable } = spec
  if (maxUnavailable !== undefined) {
    const unavailable = scaledValueOf(maxUnavailable, { total: scale, round: 'up' })
    return { expectedPods: scale, desiredHealthy: Math.max(0, scale - unavailable) }
  }
  if (minAvailable === undefined) return { expectedPods: 0, desiredHealthy: 0 }
  return { expectedPods: scale, desiredHealthy: scaledValueOf(minAvailable, { total: scale, round: 'up' }) }
}

interface Evictions {
  /** Pods that were allowed to be evicted and whose deletion is awaited, with the time of the permission. */
  readonly pending: { readonly [pod: string]: string }
  /** Those that should be gone by now. */
  readonly overdue: readonly Pod[]
  /** Milliseconds until the next one is overdue. */
  readonly recheckAfterMs?: number
}

/** A Pod that is being deleted needs no entry any more: it counts as unhealthy by itself. */
export function evictionsOf({ status }: PodDisruptionBudget, pods: readonly Pod[], now: Date): Evictions {
  const awaited = pods.flatMap(pod => {
    const since = status?.disruptedPods?.[pod.metadata.name]
    if (!since || isPodTerminating(pod)) return []
    return [{ pod, since, leftMs: timeOf(since).getTime() + DELETION_MS_MAX - now.getTime() }]
  })
  const pending = awaited.filter(({ leftMs }) => leftMs > 0)
  return {
    pending: Object.fromEntries(pending.map(({ pod, since }) => [pod.metadata.name, since])),
    overdue: awaited.filter(({ leftMs }) => leftMs <= 0).map(({ pod }) => pod),
    ...(pending.length > 0 && { recheckAfterMs: Math.min(...pending.map(({ leftMs }) => leftMs)) }),
  }
}

export function statusOf(
  budget: PodDisruptionBudget,
  {
    pods,
    expected,
    pending,
    now,
  }: {
    readonly pods: readonly Pod[]
    readonly expected: Expected
    readonly pending: Evictions['pending']
    readonly now: Date
  },
): PodDisruptionBudgetStatus {
  const isHealthy = (pod: Pod): boolean =>
    isPodReady(pod) && !isPodTerminating(pod) && !Object.hasOwn(pending, pod.metadata.name)
  const currentHealthy = pods.filter(isHealthy).length
  const { expectedPods, desiredHealthy } = expected
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0
  const isAllowed = disruptionsAllowed > 0
  const condition = {
    status: isAllowed ? 'True' : 'False',
    reason: isAllowed ? 'SufficientPods' : 'InsufficientPods',
    message: '',
  }
  return {
    ...countsOf(budget, { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed }),
    ...(Object.keys(pending).length > 0 && { disruptedPods: pending }),
    conditions: withAllowed(budget, condition, now),
  }
}

/** Nobody can tell how many Pods there shall be, so none may be disrupted. */
export function failedStatusOf(budget: PodDisruptionBudget, message: string, now: Date): PodDisruptionBudgetStatus {
  const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0, disruptedPods } = budget.status ?? {}
  return {
    ...countsOf(budget, { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed: 0 }),
    ...(disruptedPods && { disruptedPods }),
    conditions: withAllowed(budget, { status: 'False', reason: 'SyncFailed', message }, now),
  }
}

type Counts = Required<
  Pick<PodDisruptionBudgetStatus, 'currentHealthy' | 'desiredHealthy' | 'expectedPods' | 'disruptionsAllowed'>
>

const countsOf = ({ metadata }: PodDisruptionBudget, counts: Counts): PodDisruptionBudgetStatus => ({
  ...counts,
  observedGeneration: metadata.generation ?? 0,
})

function withAllowed(
  { metadata, status }: PodDisruptionBudget,
  news: Pick<Condition, 'status' | 'reason' | 'message'>,
  now: Date,
): readonly Condition[] {
  const type = 'DisruptionAllowed'
  const conditions = status?.conditions ?? []
  const current = conditions.find(condition => condition.type === type)
  const lastTransitionTime = current?.status === news.status ? current.lastTransitionTime : timeText(now)
  const condition = { type, ...news, observedGeneration: metadata.generation ?? 0, lastTransitionTime }
  return [...conditions.filter(other => other.type !== type), condition]
}
