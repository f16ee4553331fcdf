import { ControllerRevision, StatefulSet } from '../../api/apps-v1/types.ts'
import { PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import { type Dependencies, type Reconciler, type Result, TerminalError } from '../../client/controller.ts'
import { keyText } from '../../machinery/object.ts'
import { untilPodAvailableMs } from '../../machinery/pod-state.ts'
import { type Requirements, requirementsOf } from '../../machinery/selectors.ts'
import { timeText } from '../../machinery/time.ts'
import { claimChildren } from '../claim.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { PASSES_OVER_PODS, Pace } from '../pace.ts'
import { defaultFeatures, type StatefulSetFeatures } from './features.ts'
import { isNamedAfter, revisionOf } from './identity.ts'
import { outdatedDeletions, type Plan } from './plan.ts'
import { planPass } from './plan-pass.ts'
import { type Deeds, PodControl } from './pod-control.ts'
import { ReplacementPace } from './replacement-pace.ts'
import { historyOf, type SetHistory, truncateHistory } from './set-revisions.ts'
import { statefulSetMetrics } from './stateful-set-metrics.ts'
import { statusOf } from './status.ts'
import { writeStatus } from './status-writer.ts'
import { PassFailure } from './step-failure.ts'
import { clusterEvidence } from './waiting/cluster-evidence.ts'
import { explanationOf } from './waiting/explain.ts'
import { ToldCauses } from './waiting/told-causes.ts'
import { placesOf, type World } from './world.ts'

/** Brings the Pods of one StatefulSet to what its spec asks. Safe to run at any time, any number of times. */
export function statefulSetReconciler(
  dependencies: Dependencies,
  features: StatefulSetFeatures = defaultFeatures,
): Reconciler {
  const tools = toolsFrom(dependencies)
  const { sets, expectations, told, pace, passes, metrics } = tools
  const uids = new Map<string, string>()
  return async function reconcile(key) {
    const set = sets.get(key)
    const before = uids.get(keyText(key))
    if (before !== undefined && before !== set?.metadata.uid) {
      expectations.forget(key) // What was written for another life of this name must not hold up this one.
      told.forget(before)
      pace.forget(before)
      passes.forget(before)
      metrics.forget(key)
      uids.delete(keyText(key))
    }
    if (!set) return {} // Deleted. Its Pods go by owner reference; nothing is left to do here.
    uids.set(keyText(key), set.metadata.uid)
    // Deciding on what is older than our own last write could do a thing twice (L6).
    if (!(await expectations.areMet(key))) {
      metrics.countStaleSkip()
      return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    }
    const waitMs = passes.untilNextMs(set.metadata.uid)
    return waitMs > 0 ? { recheckAfterMs: waitMs } : passOver(tools, set, features)
  }
}

type Tools = ReturnType<typeof toolsFrom>

function toolsFrom(dependencies: Dependencies) {
  const { client, informers, events, clock } = dependencies
  const claims = informers.informer(PersistentVolumeClaim)
  const expectations = new Expectations(dependencies)
  return {
    client,
    clock,
    informers,
    claims,
    expectations,
    sets: informers.informer(StatefulSet),
    revisions: informers.informer(ControllerRevision),
    podControl: new PodControl({ client, claims, events, expectations }),
    told: new ToldCauses(events),
    pace: new ReplacementPace(clock),
    passes: new Pace(clock, PASSES_OVER_PODS),
    evidenceIn: clusterEvidence(informers),
    metrics: statefulSetMetrics(dependencies.metrics),
  }
}

/** Reads, decides, writes. Status and history are kept also when a step failed (L7). */
async function passOver(tools: Tools, set: StatefulSet, features: StatefulSetFeatures): Promise<Result> {
  const selector = selectorOf(set)
  const history = await historyOf(tools, set, selector)
  const members = await membersOf(tools, set, selector)
  tools.passes.note(set.metadata.uid, members.length)
  const { namespace } = set.metadata
  const world: World = {
    set,
    ...placesOf(set, members),
    currentRevision: history.currentRevision,
    updateRevision: history.updateRevision,
    claimNamed: name => tools.claims.get({ namespace, name }),
    replacementWaitMs: pod => tools.pace.waitMs(set.metadata.uid, pod),
    features,
    now: tools.clock.now(),
  }
  tools.metrics.observe(world)
  const plan = planPass(world)
  const deeds = await tools.podControl.carryOut(plan, set)
  const told = await tellHow(tools, { world, plan, deeds, history })
  await truncateHistory(tools, set, { history, usedNames: members.map(pod => revisionOf(pod) ?? '') })
  if (deeds.failures.length > 0) throw new PassFailure(deeds.failures)
  return earliestOf(earliestOf(untilNextAvailable(world), told), plan.wait?.rule === 'PodEnded' ? plan.wait : {})
}

/** The Pods of the set: its own, with orphans that fit adopted and misfits released on the way (L9). */
const membersOf = (
  { client, informers, expectations }: Tools,
  set: StatefulSet,
  selector: Requirements,
): Promise<readonly Pod[]> =>
  claimChildren({
    client,
    informers,
    expectations,
    selector,
    owner: set,
    ownerKind: StatefulSet as Kind,
    childKind: Pod,
    fits: pod => isNamedAfter(set, pod),
  })

function selectorOf({ spec }: StatefulSet): Requirements {
  try {
    return requirementsOf(spec.selector)
  } catch (error) {
    throw new TerminalError('the selector cannot be used', { cause: error })
  }
}

interface PassReport {
  readonly world: World
  readonly plan: Plan
  readonly deeds: Deeds
  readonly history: SetHistory
}

async function tellHow(tools: Tools, { world, plan, deeds, history }: PassReport): Promise<Result> {
  const { set, now } = world
  const { done, failures } = deeds
  const evidence = tools.evidenceIn(set.metadata.namespace, now)
  const explanation = explanationOf({ world, ...(plan.wait && { wait: plan.wait }), failures }, evidence)
  const { status, reason, message } = explanation
  const { collisionCount } = history
  await writeStatus(tools, set, {
    counted: statusOf({ world, collisionCount, outdatedDeletions: outdatedDeletions(done) }),
    progressing: { status, reason, message },
    now: timeText(now),
  })
  tools.told.tell(set, explanation)
  const { recheckAfterMs } = explanation
  return recheckAfterMs === undefined ? {} : { recheckAfterMs }
}

function earliestOf(a: Result, b: Result): Result {
  const { recheckAfterMs: first } = a
  const { recheckAfterMs: second } = b
  if (first === undefined || second === undefined) return { ...a, ...b }
  return { recheckAfterMs: Math.min(first, second) }
}

/** The moment at which the next ready Pod becomes available (L5). */
function untilNextAvailable({ set, slots, condemned, now }: World): Result {
  const minReadySeconds = set.spec.minReadySeconds ?? 0
  const pods = [...slots.flatMap(({ pod }) => pod ?? []), ...condemned]
  const waits = pods.map(pod => untilPodAvailableMs(pod, minReadySeconds, now) ?? 0).filter(waitMs => waitMs > 0)
  return waits.length > 0 ? { recheckAfterMs: Math.min(...waits) } : {}
}
