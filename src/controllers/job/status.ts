import type { Job, JobCondition, JobStatus } from '../../api/batch-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { hasPodEnded, isPodActive, isPodReady, isPodTerminating } from '../../machinery/pod-state.ts'
import { timeText } from '../../machinery/time.ts'
import { withoutZeros } from '../without-zeros.ts'
import { indexesText } from './indexes.ts'
import { isIndexed, type Tally } from './tally.ts'
import { conditionOf, isFinished, type Verdict } from './verdict.ts'

interface Seen {
  readonly pods: readonly Pod[]
  readonly tally: Tally
  readonly verdict: Verdict
  readonly now: Date
}

/** The status that says what was seen and decided. A finished Job keeps its conditions for good. */
export function statusOf(job: Job, { pods, tally, verdict, now }: Seen): JobStatus {
  const active = pods.filter(isPodActive)
  const terminating = pods.filter(pod => isPodTerminating(pod) && !hasPodEnded(pod)).length
  const isIdle = active.length === 0 && terminating === 0
  const conditions = isFinished(job) ? (job.status.conditions ?? []) : conditionsOf(job, { verdict, isIdle, now })
  const isComplete = conditions.some(({ type }) => type === 'Complete')
  const { completionTime = isComplete ? timeText(now) : undefined } = job.status
  const startTime = job.spec.suspend ? undefined : (job.status.startTime ?? timeText(now))
  const { succeeded, failed } = tally.uncounted
  return {
    ...withoutZeros({ active: active.length, succeeded: tally.succeeded, failed: tally.failed }),
    ready: active.filter(isPodReady).length,
    terminating,
    uncountedTerminatedPods: { ...(succeeded.length > 0 && { succeeded }), ...(failed.length > 0 && { failed }) },
    ...(isIndexed(job) && tally.completedIndexes.size > 0 && { completedIndexes: indexesText(tally.completedIndexes) }),
    ...(startTime && { startTime }),
    ...(completionTime && { completionTime }),
    ...(conditions.length > 0 && { conditions }),
  }
}

function conditionsOf(
  job: Job,
  { verdict, isIdle, now }: { readonly verdict: Verdict; readonly isIdle: boolean; readonly now: Date },
): readonly JobCondition[] {
  const conditions = job.status.conditions ?? []
  const add = (
    list: readonly JobCondition[],
    type: string,
    news: { reason: string; message: string },
  ): readonly JobCondition[] =>
    list.some(condition => condition.type === type && condition.status === 'True')
      ? list
      : [...list.filter(condition => condition.type !== type), conditionWith(type, 'True', { ...news, now })]
  switch (verdict.type) {
    case 'succeeding': {
      const news = { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
      const met = add(conditions, 'SuccessCriteriaMet', news)
      return isIdle ? add(met, 'Complete', news) : met
    }
    case 'failing': {
      const targeted = add(conditions, 'FailureTarget', verdict)
      return isIdle ? add(targeted, 'Failed', verdict) : targeted
    }
    case 'suspended':
      return add(conditions, 'Suspended', { reason: 'JobSuspended', message: 'Job suspended' })
    case 'running': {
      if (!conditionOf(job, 'Suspended')) return conditions
      const resumed = conditionWith('Suspended', 'False', { reason: 'JobResumed', message: 'Job resumed', now })
      return [...conditions.filter(({ type }) => type !== 'Suspended'), resumed]
    }
  }
}

function conditionWith(
  type: string,
  status: 'True' | 'False',
  { reason, message, now }: { readonly reason: string; readonly message: string; readonly now: Date },
): JobCondition {
  const time = timeText(now)
  return { type, status, reason, message, lastProbeTime: time, lastTransitionTime: time }
}
