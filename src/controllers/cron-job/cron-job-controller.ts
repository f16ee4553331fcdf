import { deepEqual } from 'fast-equals'
import { CronJob, type CronJobStatus, Job } from '../../api/batch-v1/types.ts'
import type { ObjectReference } from '../../api/core-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler, type Result } from '../../client/controller.ts'
import { controllerReferenceTo, isControlledBy, isTerminating, keyOf } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import { timeText } from '../../machinery/time.ts'
import { attemptAll, messageOf } from '../attempt-all.ts'
import { controlledBy } from '../claim.ts'
import { isNamespaceGoing } from '../create-in-namespace.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { conditionOf, isFinished } from '../job/verdict.ts'
import { type DueRun, dueRunOf } from './due-run.ts'
import { type Schedule, ScheduleError, scheduleOf } from './schedule.ts'

const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

export const cronJobController = controllerFor(CronJob, { name: 'cronjob' }).owns(Job).reconciledBy(cronJobReconciler)

/** Starts the Jobs of one CronJob when they are due, and clears away those that are over. */
export function cronJobReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, events, clock } = dependencies
  const expectations = new Expectations(dependencies)

  return async function reconcile(key) {
    const cronJob = informers.informer(CronJob).get(key)
    if (!cronJob) expectations.forget(key)
    if (!cronJob || isTerminating(cronJob)) return {}
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    const jobs = controlledBy(informers, Job, cronJob)
    await clearAway(cronJob, jobs)
    const status = statusOf(cronJob, jobs)
    const schedule = cronJob.spec.suspend ? undefined : readSchedule(cronJob)
    if (!schedule) return writeStatus(cronJob, status)
    return startDue({ ...cronJob, status }, cronJob, { schedule, jobs })
  }

  async function startDue(
    current: CronJob,
    stored: CronJob,
    { schedule, jobs }: { readonly schedule: Schedule; readonly jobs: readonly Job[] },
  ): Promise<Result> {
    const now = clock.now()
    const run = dueRunOf(current, schedule, now)
    const nextMs = run.nextTime && run.nextTime.getTime() - now.getTime()
    const result: Result = nextMs === undefined ? {} : { recheckAfterMs: nextMs }
    tellMissed(current, run)
    const time = run.time
    if (!time || run.isTooLate || !(await mayStart(current, jobs))) {
      await writeStatus(stored, current.status)
      return result
    }
    const job = await start(current, time)
    if (!job) return result
    const { name, namespace, uid, resourceVersion } = job.metadata
    const reference: ObjectReference = { apiVersion: 'batch/v1', kind: 'Job', name, namespace, uid, resourceVersion }
    const others = (current.status.active ?? []).filter(other => other.uid !== uid)
    await writeStatus(stored, { ...current.status, active: [...others, reference], lastScheduleTime: timeText(time) })
    return result
  }

  function readSchedule(cronJob: CronJob): Schedule | undefined {
    const { schedule, timeZone } = cronJob.spec
    try {
      return scheduleOf(schedule, timeZone)
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error
      const reason = error.message.startsWith('unknown time zone') ? 'UnknownTimeZone' : 'UnparseableSchedule'
      events.record(cronJob, {
        type: 'Warning',
        reason,
        message: `unparseable schedule: "${schedule}" : ${error.message}`,
      })
      return undefined // Only a change of the spec can help, and that enqueues it.
    }
  }

  function tellMissed(cronJob: CronJob, { time, isTooLate, isManyMissed }: DueRun): void {
    if (isManyMissed) {
      const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'
      events.record(cronJob, { type: 'Warning', reason: 'TooManyMissedTimes', message })
    }
    if (!time || !isTooLate) return
    const message = `Missed scheduled time to start a job: ${timeText(time)}`
    events.record(cronJob, { type: 'Warning', reason: 'MissSchedule', message })
  }

  /** Whether the concurrency policy lets another Job start; under Replace those before it go first. */
  async function mayStart(cronJob: CronJob, jobs: readonly Job[]): Promise<boolean> {
    const active = jobs.filter(job => !isFinished(job))
    const { concurrencyPolicy } = cronJob.spec
    if (active.length === 0 || concurrencyPolicy === 'Allow' || !concurrencyPolicy) return true
    if (concurrencyPolicy === 'Forbid') {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid'
      events.record(cronJob, { type: 'Normal', reason: 'JobAlreadyActive', message })
      return false
    }
    await deleteJobs(cronJob, active)
    return true
  }

  /** Its name follows from its time, so no run is ever started twice. */
  async function start(cronJob: CronJob, time: Date): Promise<Job | undefined> {
    const { metadata, spec } = cronJob.spec.jobTemplate
    const { name, namespace } = cronJob.metadata
    const wanted = {
      metadata: {
        name: `${name}-${Math.floor(time.getTime() / 60_000)}`,
        namespace,
        ...(metadata?.labels && { labels: metadata.labels }),
        annotations: { ...metadata?.annotations, [SCHEDULED_AT]: timeText(time) },
        ownerReferences: [controllerReferenceTo(cronJob)],
      },
      spec: spec!,
    }
    try {
      const job = await expectations.create(keyOf(cronJob), Job, wanted)
      events.record(cronJob, {
        type: 'Normal',
        reason: 'SuccessfulCreate',
        message: `Created job ${job.metadata.name}`,
      })
      return job
    } catch (error) {
      if (isNamespaceGoing(error)) return undefined
      if (isStatusError(error, 'AlreadyExists')) {
        const existing = await client.find(Job, { namespace, name: wanted.metadata.name })
        if (existing && isControlledBy(existing, cronJob)) return existing
      }
      const message = `Error creating job: ${messageOf(error)}`
      events.record(cronJob, { type: 'Warning', reason: 'FailedCreate', message })
      throw error
    }
  }

  /** Finished Jobs above the limits go, oldest first. */
  async function clearAway(cronJob: CronJob, jobs: readonly Job[]): Promise<void> {
    const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec
    const surplus = (type: string, limit: number): readonly Job[] => {
      const finished = jobs.filter(job => conditionOf(job, type)).sort(byStart)
      return finished.slice(0, Math.max(0, finished.length - limit))
    }
    const old = [...surplus('Complete', successfulJobsHistoryLimit), ...surplus('Failed', failedJobsHistoryLimit)]
    await deleteJobs(cronJob, old)
  }

  async function deleteJobs(cronJob: CronJob, jobs: readonly Job[]): Promise<void> {
    await attemptAll(
      jobs
        .filter(job => !isTerminating(job))
        .map(job => async () => {
          await expectations.delete(keyOf(cronJob), Job, job, { propagationPolicy: 'Background' })
          const message = `Deleted job ${job.metadata.name}`
          events.record(cronJob, { type: 'Normal', reason: 'SuccessfulDelete', message })
        }),
    )
  }

  /** The Jobs that are at work, and the last that succeeded. */
  function statusOf(cronJob: CronJob, jobs: readonly Job[]): CronJobStatus {
    const byUid = new Map(jobs.map(job => [job.metadata.uid, job]))
    const active = (cronJob.status.active ?? []).filter(({ uid = '', name }) => {
      const job = byUid.get(uid)
      if (job && isFinished(job)) {
        const condition = conditionOf(job, 'Complete') ? 'Complete' : 'Failed'
        const message = `Saw completed job: ${name}, condition: ${condition}`
        events.record(cronJob, { type: 'Normal', reason: 'SawCompletedJob', message })
      } else if (!job) {
        events.record(cronJob, { type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${name}` })
      }
      return job && !isFinished(job)
    })
    const successes = jobs.flatMap(({ status }) => status.completionTime ?? []).sort()
    const lastSuccessfulTime = [cronJob.status.lastSuccessfulTime ?? '', ...successes].sort().at(-1)
    const { active: _, ...rest } = cronJob.status
    return { ...rest, ...(active.length > 0 && { active }), ...(lastSuccessfulTime && { lastSuccessfulTime }) }
  }

  async function writeStatus(cronJob: CronJob, status: CronJobStatus): Promise<Result> {
    if (deepEqual(cronJob.status, status)) return {}
    const written = await client.updateStatus(CronJob, { ...cronJob, status })
    expectations.wrote(keyOf(cronJob), CronJob, written)
    return {}
  }
}

const byStart = (a: Job, b: Job): number => {
  const start = ({ metadata, status }: Job): string => status.startTime ?? metadata.creationTimestamp
  return start(a) === start(b) ? (a.metadata.name < b.metadata.name ? -1 : 1) : start(a) < start(b) ? -1 : 1
}
