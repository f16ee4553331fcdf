import { deepEqual } from 'fast-equals'
import { Job, type JobStatus } from '../../api/batch-v1/types.ts'
import { Pod } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import { controllerFor, type Dependencies, type Result } from '../../client/controller.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { Informer, InformerFactory } from '../../client/informer.ts'
import type { Clock } from '../../machinery/clock.ts'
import { controllerOf, isTerminating, keyOf, keyText, type ObjectKey } from '../../machinery/object.ts'
import { isPodActive } from '../../machinery/pod-state.ts'
import { type Requirements, requirementsOf } from '../../machinery/selectors.ts'
import { isStatusError } from '../../machinery/status.ts'
import { timeOf } from '../../machinery/time.ts'
import { claimChildren } from '../claim.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { ownersOfOrphan } from '../orphan-watch.ts'
import { deletionOrder } from '../replica-set/deletion-order.ts'
import { indexOf } from './indexes.ts'
import { JobPods, releasePods } from './job-pods.ts'
import { statusOf } from './status.ts'
import { isIndexed, isTracked, type Tally, tallyOf } from './tally.ts'
import { backoffMs, isFinished, missingIndexes, untilDeadlineMs, verdictOf, wantedPods } from './verdict.ts'

const BY_JOB = 'tracked Pods of a Job'

const selectorOf = ({ spec }: Job): Requirements | undefined =>
  spec.selector ? requirementsOf(spec.selector) : undefined

export const jobController = controllerFor(Job, { name: 'job' })
  .owns(Pod)
  .watches(Pod, ownersOfOrphan(Job, selectorOf))
  .reconciledBy(dependencies => {
    const jobs = new Jobs(dependencies)
    return key => jobs.reconcile(key)
  })

/** Runs the Pods of one Job until enough of them have succeeded, or too many have failed. */
class Jobs {
  readonly #dependencies: Dependencies
  readonly #client: Client
  readonly #informers: InformerFactory
  readonly #events: EventRecorder
  readonly #clock: Clock
  readonly #expectations: Expectations
  readonly #tracked: Informer<Pod>

  constructor(dependencies: Dependencies) {
    const { client, informers, events, clock } = dependencies
    this.#dependencies = dependencies
    this.#client = client
    this.#informers = informers
    this.#events = events
    this.#clock = clock
    this.#expectations = new Expectations(dependencies)
    this.#tracked = indexedByJob(informers.informer(Pod))
  }

  async reconcile(key: ObjectKey): Promise<Result> {
    const job = this.#informers.informer(Job).get(key)
    const selector = job && selectorOf(job)
    if (!job || isTerminating(job)) {
      await releasePods(this.#tracked.byIndex(BY_JOB, keyText(key)), this.#writesFor(key))
      if (!job) this.#expectations.forget(key)
      return {}
    }
    if (!selector || job.spec.managedBy) return {} // Someone else says so.
    if (!(await this.#expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }

    const claim = {
      client: this.#client,
      informers: this.#informers,
      expectations: this.#expectations,
      owner: job,
      ownerKind: Job as Kind,
      selector,
      childKind: Pod,
    }
    const pods = await claimChildren(claim)
    const now = this.#clock.now()
    const tally = tallyOf(job, pods)
    const verdict = verdictOf(job, pods, { tally, now })
    const current = await this.#writeStatus(job, statusOf(job, { pods, tally, verdict, now }))
    const jobPods = new JobPods({ ...this.#dependencies, expectations: this.#expectations, job: current })
    await jobPods.release(tally.release)
    if (isFinished(current)) return this.#expire(current)
    const active = pods.filter(isPodActive)
    if (verdict.type !== 'running') {
      await jobPods.delete(active)
      return {}
    }
    return this.#atWork(current, { pods, active, tally, jobPods })
  }

  #writesFor(key: ObjectKey) {
    return { client: this.#client, expectations: this.#expectations, key }
  }

  /** Keeps as many Pods at work as there shall be. */
  async #atWork(
    job: Job,
    world: {
      readonly pods: readonly Pod[]
      readonly active: readonly Pod[]
      readonly tally: Tally
      readonly jobPods: JobPods
    },
  ): Promise<Result> {
    const { pods, active, tally, jobPods } = world
    const now = this.#clock.now()
    const missing = wantedPods(job, tally, active.length) - active.length
    const deadlineMs = untilDeadlineMs(job, now)
    const waits = deadlineMs === undefined ? [] : [deadlineMs]
    if (missing < 0) await jobPods.delete(deletionOrder(active, { related: active, now }).slice(0, -missing))
    else if (missing > 0) {
      const pauseMs = backoffMs(pods, now)
      if (pauseMs > 0) waits.push(pauseMs)
      else await this.#create(job, missing, world)
    }
    return waits.length > 0 ? { recheckAfterMs: Math.min(...waits) } : {}
  }

  async #create(
    job: Job,
    missing: number,
    { active, tally, jobPods }: { readonly active: readonly Pod[]; readonly tally: Tally; readonly jobPods: JobPods },
  ): Promise<void> {
    if (!isIndexed(job)) return jobPods.create(missing, [])
    const taken = new Set(active.flatMap(pod => indexOf(pod) ?? []))
    const indexes = missingIndexes(job, tally, taken).slice(0, missing)
    return jobPods.create(indexes.length, indexes)
  }

  async #writeStatus(job: Job, status: JobStatus): Promise<Job> {
    if (deepEqual(job.status, status)) return job
    const written = await this.#client.updateStatus(Job, { ...job, status })
    this.#expectations.wrote(keyOf(job), Job, written)
    this.#tellChange(job, status)
    return written
  }

  #tellChange(job: Job, { conditions = [] }: JobStatus): void {
    const stood = new Set(job.status.conditions?.map(({ type, status }) => `${type} ${status}`))
    for (const { type, status, reason = '', message = '' } of conditions) {
      if (stood.has(`${type} ${status}`)) continue
      if (type === 'Complete')
        this.#events.record(job, { type: 'Normal', reason: 'Completed', message: 'Job completed' })
      if (type === 'FailureTarget') this.#events.record(job, { type: 'Warning', reason, message })
      if (type !== 'Suspended') continue
      this.#events.record(job, { type: 'Normal', reason: status === 'True' ? 'Suspended' : 'Resumed', message })
    }
  }

  /** A finished Job goes with its Pods when its time after the end is over. */
  async #expire(job: Job): Promise<Result> {
    const { ttlSecondsAfterFinished } = job.spec
    const end = job.status.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed')?.lastTransitionTime
    if (ttlSecondsAfterFinished === undefined || !end) return {}
    const waitMs = timeOf(end).getTime() + ttlSecondsAfterFinished * 1000 - this.#clock.now().getTime()
    if (waitMs > 0) return { recheckAfterMs: waitMs }
    const { uid, resourceVersion } = job.metadata
    try {
      const preconditions = { uid, resourceVersion } // Its time may just have been changed.
      await this.#client.delete(Job, keyOf(job), { propagationPolicy: 'Foreground', preconditions })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
    return {}
  }
}

function indexedByJob(pods: Informer<Pod>): Informer<Pod> {
  pods.addIndex(BY_JOB, pod => {
    const owner = isTracked(pod) ? controllerOf(pod) : undefined
    return owner?.kind === Job.kind ? [keyText({ namespace: pod.metadata.namespace, name: owner.name })] : []
  })
  return pods
}
