import { deepEqual } from 'fast-equals'
import { CronJob, type CronJobStatus, Job } from '../../api/batch-v1/types.ts'
import type { ObjectReference } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import { controllerFor, type Dependencies, type Result } from '../../client/controller.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { InformerFactory } from '../../client/informer.ts'
import type { Clock } from '../../machinery/clock.ts'
import { controllerReferenceTo, isControlledBy, isTerminating, keyOf, type ObjectKey } from '../../machinery/object.ts'
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

export const cronJobController = controllerFor(CronJob, { name: 'cronjob' })
  .owns(Job)
  .reconciledBy(dependencies => {
    const cronJobs = new CronJobs(dependencies)
    return key => cronJobs.reconcile(key)
  })

/** Starts the Jobs of one CronJob when they are due, and clears away those that are over. */
class CronJobs {
  readonly #client: Client
  readonly #informers: InformerFactory
  readonly #events: EventRecorder
  readonly #clock: Clock
  readonly #expectations: Expectations

  constructor({ client, informers, events, clock }: Dependencies) {
    this.#client = client
    this.#informers = informers
    this.#events = events
    this.#clock = clock
    this.#expectations = new Expectations({ client, informers })
  }

  async reconcile(key: ObjectKey): Promise<Result> {
    const cronJob = this.#informers.informer(CronJob).get(key)
    if (!cronJob) this.#expectations.forget(key)
    if (!cronJob || isTerminating(cronJob)) return {}
    if (!(await this.#expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    const jobs = controlledBy(this.#informers, Job, cronJob)
    await this.#clearAway(cronJob, jobs)
    const status = this.#statusOf(cronJob, jobs)
    const schedule = cronJob.spec.suspend ? undefined : this.#readSchedule(cronJob)
    if (!schedule) return this.#writeStatus(cronJob, status)
    return this.#startDue({ ...cronJob, status }, cronJob, { schedule, jobs })
  }

  async #startDue(
    current: CronJob,
    stored: CronJob,
    { schedule, jobs }: { readonly schedule: Schedule; readonly jobs: readonly Job[] },
  ): Promise<Result> {
    const now = this.#clock.now()
    const run = dueRunOf(current, schedule, now)
    const nextMs = run.nextTime && run.nextTime.getTime() - now.getTime()
    const result: Result = nextMs === undefined ? {} : { recheckAfterMs: nextMs }
    this.#tellMissed(current, run)
    const time = run.time
    if (!time || run.isTooLate || !(await this.#mayStart(current, jobs))) {
      await this.#writeStatus(stored, current.status)
      return result
    }
    const job = await this.#start(current, time)
    if (!job) return result
    const { name, namespace, uid, resourceVersion } = job.metadata
    const reference: ObjectReference = { apiVersion: 'batch/v1', kind: 'Job', name, namespace, uid, resourceVersion }
    const others = (current.status.active ?? []).filter(other => other.uid !== uid)
    await this.#writeStatus(stored, {
      ...current.status,
      active: [...others, reference],
      lastScheduleTime: timeText(time),
    })
    return result
  }

  #readSchedule(cronJob: CronJob): Schedule | undefined {
    const { schedule, timeZone } = cronJob.spec
    try {
      return scheduleOf(schedule, timeZone)
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error
      const reason = error.message.startsWith('unknown time zone') ? 'UnknownTimeZone' : 'UnparseableSchedule'
      this.#events.record(cronJob, {
        type: 'Warning',
        reason,
        message: `unparseable schedule: "${schedule}" : ${error.message}`,
      })
      return undefined // Only a change of the spec can help, and that enqueues it.
    }
  }

  #tellMissed(cronJob: CronJob, { time, isTooLate, isManyMissed }: DueRun): void {
    if (isManyMissed) {
      const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'
      this.#events.record(cronJob, { type: 'Warning', reason: 'TooManyMissedTimes', message })
    }
    if (!time || !isTooLate) return
    const message = `Missed scheduled time to start a job: ${timeText(time)}`
    this.#events.record(cronJob, { type: 'Warning', reason: 'MissSchedule', message })
  }

  /** Whether the concurrency policy lets another Job start; under Replace those before it go first. */
  async #mayStart(cronJob: CronJob, jobs: readonly Job[]): Promise<boolean> {
    const active = jobs.filter(job => !isFinished(job))
    const { concurrencyPolicy } = cronJob.spec
    if (active.length === 0 || concurrencyPolicy === 'Allow' || !concurrencyPolicy) return true
    if (concurrencyPolicy === 'Forbid') {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid'
      this.#events.record(cronJob, { type: 'Normal', reason: 'JobAlreadyActive', message })
      return false
    }
    await this.#deleteJobs(cronJob, active)
    return true
  }

  /** Its name follows from its time, so no run is ever started twice. */
  async #start(cronJob: CronJob, time: Date): Promise<Job | undefined> {
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
      const job = await this.#expectations.create(keyOf(cronJob), Job, wanted)
      this.#events.record(cronJob, {
        type: 'Normal',
        reason: 'SuccessfulCreate',
        message: `Created job ${job.metadata.name}`,
      })
      return job
    } catch (error) {
      if (isNamespaceGoing(error)) return undefined
      if (isStatusError(error, 'AlreadyExists')) {
        const existing = await this.#client.find(Job, { namespace, name: wanted.metadata.name })
        if (existing && isControlledBy(existing, cronJob)) return existing
      }
      const message = `Error creating job: ${messageOf(error)}`
      this.#events.record(cronJob, { type: 'Warning', reason: 'FailedCreate', message })
      throw error
    }
  }

  /** Finished Jobs above the limits go, oldest first. */
  async #clearAway(cronJob: CronJob, jobs: readonly Job[]): Promise<void> {
    const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec
    const surplus = (type: string, limit: number): readonly Job[] => {
      const finished = jobs.filter(job => conditionOf(job, type)).sort(byStart)
      return finished.slice(0, Math.max(0, finished.length - limit))
    }
    const old = [...surplus('Complete', successfulJobsHistoryLimit), ...surplus('Failed', failedJobsHistoryLimit)]
    await this.#deleteJobs(cronJob, old)
  }

  async #deleteJobs(cronJob: CronJob, jobs: readonly Job[]): Promise<void> {
    await attemptAll(
      jobs
        .filter(job => !isTerminating(job))
        .map(job => async () => {
          await this.#expectations.delete(keyOf(cronJob), Job, job, { propagationPolicy: 'Background' })
          const message = `Deleted job ${job.metadata.name}`
          this.#events.record(cronJob, { type: 'Normal', reason: 'SuccessfulDelete', message })
        }),
    )
  }

  /** The Jobs that are at work, and the last that succeeded. */
  #statusOf(cronJob: CronJob, jobs: readonly Job[]): CronJobStatus {
    const byUid = new Map(jobs.map(job => [job.metadata.uid, job]))
    const active = (cronJob.status.active ?? []).filter(({ uid = '', name }) => {
      const job = byUid.get(uid)
      if (job && isFinished(job)) {
        const condition = conditionOf(job, 'Complete') ? 'Complete' : 'Failed'
        const message = `Saw completed job: ${name}, condition: ${condition}`
        this.#events.record(cronJob, { type: 'Normal', reason: 'SawCompletedJob', message })
      } else if (!job) {
        this.#events.record(cronJob, {
          type: 'Normal',
          reason: 'MissingJob',
          message: `Active job went missing: ${name}`,
        })
      }
      return job && !isFinished(job)
    })
    const successes = jobs.flatMap(({ status }) => status.completionTime ?? []).sort()
    const lastSuccessfulTime = [cronJob.status.lastSuccessfulTime ?? '', ...successes].sort().at(-1)
    const { active: _, ...rest } = cronJob.status
    return { ...rest, ...(active.length > 0 && { active }), ...(lastSuccessfulTime && { lastSuccessfulTime }) }
  }

  async #writeStatus(cronJob: CronJob, status: CronJobStatus): Promise<Result> {
    if (deepEqual(cronJob.status, status)) return {}
    const written = await this.#client.updateStatus(CronJob, { ...cronJob, status })
    this.#expectations.wrote(keyOf(cronJob), CronJob, written)
    return {}
  }
}

const byStart = (a: Job, b: Job): number => {
  const start = ({ metadata, status }: Job): string => status.startTime ?? metadata.creationTimestamp
  return start(a) === start(b) ? (a.metadata.name < b.metadata.name ? -1 : 1) : start(a) < start(b) ? -1 : 1
}
