import type { Pod, PodCondition } from '../api/core-v1/types.ts'
import { timeOf } from './time.ts'

export const podConditionOf = (pod: Pod, type: string): PodCondition | undefined =>
  pod.status?.conditions?.find(condition => condition.type === type)

/** The Ready condition, and nothing else: a terminating Pod may still be ready. */
export const isPodReady = (pod: Pod): boolean => podConditionOf(pod, 'Ready')?.status === 'True'

/** Its containers have ended for good; it will never run again under this uid. */
export const hasPodEnded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

export const isPodTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined

/** Runs or may still run: neither ended nor on its way out. */
export const isPodActive = (pod: Pod): boolean => !hasPodEnded(pod) && !isPodTerminating(pod)

/** Milliseconds until a Pod that stays ready counts as available: 0 when it does now, undefined when it is not ready. */
export function untilPodAvailableMs(pod: Pod, minReadySeconds: number, now: Date): number | undefined {
  const ready = podConditionOf(pod, 'Ready')
  if (ready?.status !== 'True') return undefined
  if (minReadySeconds === 0) return 0
  if (!ready.lastTransitionTime) return minReadySeconds * 1000
  const availableAtMs = timeOf(ready.lastTransitionTime).getTime() + minReadySeconds * 1000
  return Math.max(0, availableAtMs - now.getTime())
}

/** Ready, and that for at least `minReadySeconds`. */
export const isPodAvailable = (pod: Pod, minReadySeconds: number, now: Date): boolean =>
  untilPodAvailableMs(pod, minReadySeconds, now) === 0
