import { deepEqual } from 'fast-equals'
import { Job, type JobStatus } from '../../api/batch-v1/types.ts'
import { Pod } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import { controllerFor, type Dependencies, type Reconciler, type Result } from '../../client/controller.ts'
import type { Informer } from '../../client/informer.ts'
import { controllerOf, isTerminating, keyOf, keyText } from '../../machinery/object.ts'
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
  .reconciledBy(jobReconciler)

/** Runs the Pods of one Job until enough of them have succeeded, or too many have failed. */
export function jobReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, events, clock } = dependencies
  const expectations = new Expectations(dependencies)
  const tracked = indexedByJob(informers.informer(Pod))

  return async function reconcile(key) {
    const job = informers.informer(Job).get(key)
    const selector = job && selectorOf(job)
    if (!job || isTerminating(job)) {
      await releasePods(tracked.byIndex(BY_JOB, keyText(key)), { client, expectations, key })
      if (!job) expectations.forget(key)
      return {}
    }
    if (!selector || job.spec.managedBy) return {} // Someone else says so.
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }

    const claim = { client, informers, expectations, owner: job, ownerKind: Job as Kind, selector, childKind: Pod }
    const pods = await claimChildren(claim)
    const now = clock.now()
    const tally = tallyOf(job, pods)
    const verdict = verdictOf(job, pods, { tally, now })
    const current = await writeStatus(job, statusOf(job, { pods, tally, verdict, now }))
    const jobPods = new JobPods({ ...dependencies, expectations, job: current })
    await jobPods.release(tally.release)
    if (isFinished(current)) return expire(current)
    const active = pods.filter(isPodActive)
    if (verdict.type !== 'running') {
      await jobPods.delete(active)
      return {}
    }
    return atWork(current, { pods, active, tally, jobPods })
  }

  /** Keeps as many Pods at work as there shall be. */
  async function atWork(
    job: Job,
    world: {
      readonly pods: readonly Pod[]
      readonly active: readonly Pod[]
      readonly tally: Tally
      readonly jobPods: JobPods
    },
  ): Promise<Result> {
    const { pods, active, tally, jobPods } = world
    const now = clock.now()
    const missing = wantedPods(job, tally, active.length) - active.length
    const deadlineMs = untilDeadlineMs(job, now)
    const waits = deadlineMs === undefined ? [] : [deadlineMs]
    if (missing < 0) await jobPods.delete(deletionOrder(active, { related: active, now }).slice(0, -missing))
    else if (missing > 0) {
      const pauseMs = backoffMs(pods, now)
      if (pauseMs > 0) waits.push(pauseMs)
      else await create(job, missing, world)
    }
    return waits.length > 0 ? { recheckAfterMs: Math.min(...waits) } : {}
  }

  async function create(
    job: Job,
    missing: number,
    { active, tally, jobPods }: { readonly active: readonly Pod[]; readonly tally: Tally; readonly jobPods: JobPods },
  ): Promise<void> {
    if (!isIndexed(job)) return jobPods.create(missing, [])
    const taken = new Set(active.flatMap(pod => indexOf(pod) ?? []))
    const indexes = missingIndexes(job, tally, taken).slice(0, missing)
    return jobPods.create(indexes.length, indexes)
  }

  async function writeStatus(job: Job, status: JobStatus): Promise<Job> {
    if (deepEqual(job.status, status)) return job
    const written = await client.updateStatus(Job, { ...job, status })
    expectations.wrote(keyOf(job), Job, written)
    tellChange(job, status)
    return written
  }

  function tellChange(job: Job, { conditions = [] }: JobStatus): void {
    const stood = new Set(job.status.conditions?.map(({ type, status }) => `${type} ${status}`))
    for (const { type, status, reason = '', message = '' } of conditions) {
      if (stood.has(`${type} ${status}`)) continue
      if (type === 'Complete') events.record(job, { type: 'Normal', reason: 'Completed', message: 'Job completed' })
      if (type === 'FailureTarget') events.record(job, { type: 'Warning', reason, message })
      if (type !== 'Suspended') continue
      events.record(job, { type: 'Normal', reason: status === 'True' ? 'Suspended' : 'Resumed', message })
    }
  }

  /** A finished Job goes with its Pods when its time after the end is over. */
  async function expire(job: Job): Promise<Result> {
    const { ttlSecondsAfterFinished } = job.spec
    const end = job.status.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed')?.lastTransitionTime
    if (ttlSecondsAfterFinished === undefined || !end) return {}
    const waitMs = timeOf(end).getTime() + ttlSecondsAfterFinished * 1000 - clock.now().getTime()
    if (waitMs > 0) return { recheckAfterMs: waitMs }
    const { uid, resourceVersion } = job.metadata
    try {
      const preconditions = { uid, resourceVersion } // Its time may just have been changed.
      await client.delete(Job, keyOf(job), { propagationPolicy: 'Foreground', preconditions })
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
