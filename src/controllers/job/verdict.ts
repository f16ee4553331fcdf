import type { Job, JobCondition } from '../../api/batch-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { hasPodEnded, isPodActive } from '../../machinery/pod-state.ts'
import { timeOf } from '../../machinery/time.ts'
import { failedIn, isIndexed, succeededIn, type Tally } from './tally.ts'

const BACKOFF_MS_MIN = 10_000
const BACKOFF_MS_MAX = 600_000

/** How a Job stands. An outcome is first decided, then its other Pods are ended, and only then is it final. */
export type Verdict =
  | { readonly type: 'running' }
  | { readonly type: 'suspended' }
  | { readonly type: 'succeeding' }
  | { readonly type: 'failing'; readonly reason: string; readonly message: string }

export const conditionOf = ({ status }: Job, type: string): JobCondition | undefined =>
  status.conditions?.find(condition => condition.type === type && condition.status === 'True')

export const isFinished = (job: Job): boolean =>
  conditionOf(job, 'Complete') !== undefined || conditionOf(job, 'Failed') !== undefined

/** What was decided stays decided, whatever happens to the Pods afterwards. */
export function verdictOf(
  job: Job,
  pods: readonly Pod[],
  { tally, now }: { readonly tally: Tally; readonly now: Date },
): Verdict {
  const decided = conditionOf(job, 'FailureTarget')
  if (decided) return { type: 'failing', reason: decided.reason ?? '', message: decided.message ?? '' }
  if (conditionOf(job, 'SuccessCriteriaMet')) return { type: 'succeeding' }
  const { backoffLimit = 6, completions } = job.spec
  if (failedIn(tally) > backoffLimit || restartsOf(job, pods) > backoffLimit) {
    return { type: 'failing', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  }
  if (untilDeadlineMs(job, now) === 0) {
    return { type: 'failing', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
  }
  const active = pods.filter(isPodActive).length
  const isDone = completions === undefined ? succeededIn(tally) > 0 && active === 0 : succeededIn(tally) >= completions
  if (isDone) return { type: 'succeeding' }
  return job.spec.suspend ? { type: 'suspended' } : { type: 'running' }
}

/** Containers that are restarted in place count against the limit by their restarts; a limit of 0 allows none. */
function restartsOf({ spec }: Job, pods: readonly Pod[]): number {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return 0
  const running = pods.filter(pod => isPodActive(pod) && pod.status.phase !== 'Unknown')
  const statuses = running.flatMap(({ status }) => [
    ...(status.initContainerStatuses ?? []),
    ...(status.containerStatuses ?? []),
  ])
  return statuses.reduce((sum, { restartCount }) => sum + restartCount, 0)
}

/** Milliseconds until the Job has run too long: 0 when it has, undefined without a deadline. */
export function untilDeadlineMs({ spec, status }: Job, now: Date): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || !status.startTime || spec.suspend) return undefined
  return Math.max(0, timeOf(status.startTime).getTime() + spec.activeDeadlineSeconds * 1000 - now.getTime())
}

/** How many Pods shall run now. */
export function wantedPods(job: Job, tally: Tally, active: number): number {
  const { parallelism = 1, completions } = job.spec
  if (completions === undefined) return succeededIn(tally) > 0 ? Math.min(active, parallelism) : parallelism
  return Math.min(parallelism, Math.max(0, completions - succeededIn(tally)))
}

/** Indexes that have neither succeeded nor a Pod at work, lowest first. */
export function missingIndexes(job: Job, tally: Tally, taken: ReadonlySet<number>): readonly number[] {
  if (!isIndexed(job)) return []
  const all = Array.from({ length: job.spec.completions ?? 0 }, (_, index) => index)
  return all.filter(index => !tally.completedIndexes.has(index) && !taken.has(index))
}

/** Milliseconds before another Pod may be tried: 10 s after a failure, twice as long after each further one in a row. */
export function backoffMs(pods: readonly Pod[], now: Date): number {
  const ends = pods
    .filter(hasPodEnded)
    .map(pod => ({ isFailure: pod.status.phase === 'Failed', atMs: endTimeMsOf(pod) }))
  const lastSuccessMs = Math.max(0, ...ends.filter(({ isFailure }) => !isFailure).map(({ atMs }) => atMs))
  const failures = ends.filter(({ isFailure, atMs }) => isFailure && atMs > lastSuccessMs)
  if (failures.length === 0) return 0
  const delayMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (failures.length - 1))
  return Math.max(0, Math.max(...failures.map(({ atMs }) => atMs)) + delayMs - now.getTime())
}

function endTimeMsOf({ metadata, status }: Pod): number {
  const times = (status.containerStatuses ?? []).flatMap(({ state }) => state?.terminated?.finishedAt ?? [])
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
  const last = times.sort().at(-1) ?? metadata.deletionTimestamp ?? ready ?? metadata.creationTimestamp
  return timeOf(last).getTime()
}
