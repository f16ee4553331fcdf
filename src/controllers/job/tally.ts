import type { Job } from '../../api/batch-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { hasPodEnded, isPodTerminating } from '../../machinery/pod-state.ts'
import { indexesIn, indexOf } from './indexes.ts'

/** Keeps an ended Pod until it has been counted, whoever deletes it. */
export const TRACKING = 'batch.kubernetes.io/job-tracking'

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed'

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(TRACKING) ?? false

/** What has ended so far: counted for good, and counted but with the Pod still to be let go. */
export interface Tally {
  readonly succeeded: number
  readonly failed: number
  readonly completedIndexes: ReadonlySet<number>
  /** By uid. The status holds them until their Pods are let go, so that no end is counted twice or lost (KEP-2307). */
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] }
  /** Pods to let go once the status with this tally is written. */
  readonly release: readonly Pod[]
}

export const succeededIn = ({ succeeded, uncounted }: Tally): number => succeeded + uncounted.succeeded.length
export const failedIn = ({ failed, uncounted }: Tally): number => failed + uncounted.failed.length

/** Counts on from the status. */
export function tallyOf(job: Job, pods: readonly Pod[]): Tally {
  const { status } = job
  const known = status.uncountedTerminatedPods ?? {}
  const tracked = new Map(pods.filter(isTracked).map(pod => [pod.metadata.uid, pod]))
  const isHeld = (uid: string): boolean => tracked.has(uid)
  const settledSucceeded = (known.succeeded ?? []).filter(uid => !isHeld(uid)).length
  const settledFailed = (known.failed ?? []).filter(uid => !isHeld(uid)).length
  const heard = new Set([...(known.succeeded ?? []), ...(known.failed ?? [])])
  const ended = [...tracked.values()].filter(pod => endOf(job, pod) && !heard.has(pod.metadata.uid))
  const newly = (end: 'succeeded' | 'failed'): string[] =>
    ended.filter(pod => endOf(job, pod) === end).map(({ metadata }) => metadata.uid)
  const failed = {
    counted: (status.failed ?? 0) + settledFailed,
    uids: [...(known.failed ?? []).filter(isHeld), ...newly('failed')],
  }
  const release = [...tracked.values()].filter(pod => endOf(job, pod) || heard.has(pod.metadata.uid))
  if (isIndexed(job)) {
    const completedIndexes = completedOf(job, ended)
    const uncounted = { succeeded: [], failed: failed.uids }
    return { succeeded: completedIndexes.size, failed: failed.counted, completedIndexes, uncounted, release }
  }
  const succeeded = [...(known.succeeded ?? []).filter(isHeld), ...newly('succeeded')]
  return {
    succeeded: (status.succeeded ?? 0) + settledSucceeded,
    failed: failed.counted,
    completedIndexes: new Set(),
    uncounted: { succeeded, failed: failed.uids },
    release,
  }
}

/** Each index succeeds once, so its Pods need no other memory than the index. */
function completedOf(job: Job, ended: readonly Pod[]): Set<number> {
  const completions = job.spec.completions ?? 0
  const indexes = indexesIn(job.status.completedIndexes, completions)
  for (const pod of ended) {
    const index = indexOf(pod)
    if (index !== undefined && index < completions && endOf(job, pod) === 'succeeded') indexes.add(index)
  }
  return indexes
}

/** How the Pod ended for the Job. One that is being deleted has failed, unless the Job waits until it really ends. */
function endOf({ spec }: Job, pod: Pod): 'succeeded' | 'failed' | undefined {
  if (pod.status.phase === 'Succeeded') return 'succeeded'
  if (hasPodEnded(pod)) return 'failed'
  return isPodTerminating(pod) && spec.podReplacementPolicy !== 'Failed' ? 'failed' : undefined
}
