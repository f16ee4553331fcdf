import { Deployment, ReplicaSet } from '../../api/apps-v1/types.ts'
import { Pod } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import { controllerFor, type Dependencies, type Reconciler, type Result } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import { controllerOf, isTerminating, type ObjectKey } from '../../machinery/object.ts'
import { hasPodEnded } from '../../machinery/pod-state.ts'
import { requirementsOf } from '../../machinery/selectors.ts'
import { claimChildren, controlledBy } from '../claim.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { ownersOfOrphan } from '../orphan-watch.ts'
import { conditionNamed, hasProgressDeadline, isComplete } from './conditions.ts'
import { planRollingUpdate } from './plan-rolling-update.ts'
import { planScaling, wasScaled } from './plan-scaling.ts'
import { Rollout } from './rollout.ts'
import { isRollingUpdate, replicasOf } from './rollout-limits.ts'
import { rolloutStatusOf, statusOf, untilTimedOutMs } from './status.ts'
import { newestOf } from './template-match.ts'

const selectorOf = ({ spec }: Deployment) => requirementsOf(spec.selector)

export const deploymentController = controllerFor(Deployment, { name: 'deployment' })
  .owns(ReplicaSet)
  .watches(ReplicaSet, ownersOfOrphan(Deployment, selectorOf))
  .watches(Pod, recreatedAfterPod)
  .reconciledBy(deploymentReconciler)

/** Brings the ReplicaSets of one Deployment one step nearer to its template and size. */
function deploymentReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers } = dependencies
  const expectations = new Expectations(dependencies)

  return async function reconcile(key) {
    const deployment = informers.informer(Deployment).get(key)
    if (!deployment) {
      expectations.forget(key)
      return {}
    }
    const selector = selectorOf(deployment)
    if (selector.length === 0) return refuseToSelectAll(deployment, dependencies)
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }

    const ownerKind = Deployment as Kind
    const claim = { client, informers, expectations, owner: deployment, ownerKind, selector, childKind: ReplicaSet }
    const sets = await claimChildren(claim)
    const rollout = new Rollout(deployment, { ...dependencies, expectations })
    await step(rollout, sets, dependencies)
    const recheckAfterMs = untilTimedOutMs(rollout.deployment, dependencies.clock.now())
    return recheckAfterMs ? { recheckAfterMs: recheckAfterMs + 1000 } : {} // Stored times are whole seconds.
  }
}

async function step(rollout: Rollout, sets: readonly ReplicaSet[], dependencies: Dependencies): Promise<void> {
  const { deployment } = rollout
  const now = dependencies.clock.now()
  if (isTerminating(deployment)) {
    return rollout.writeStatus(statusOf(deployment, { newest: newestOf(deployment, sets), all: sets, now }))
  }
  await tellPaused(rollout)
  if (deployment.spec.paused || wasScaled(deployment, sets)) return followSize(rollout, sets, dependencies)
  if (isRollingUpdate(deployment)) return rollOn(rollout, sets, dependencies)
  return recreate(rollout, sets, dependencies)
}

/** A paused Deployment, and one that was just scaled, changes sizes only. */
async function followSize(rollout: Rollout, sets: readonly ReplicaSet[], { clock }: Dependencies): Promise<void> {
  const newest = await rollout.updateNewest(sets)
  const old = oldOf(sets, newest)
  const all = newest ? [...old, newest] : old
  const scalings = planScaling(rollout.deployment, { newest, old })
  const others = all.filter(set => replicasOf(set) > 0 && !scalings.some(scaling => scaling.set === set))
  const noted = others.map(set => ({ set, replicas: replicasOf(set) })) // Their annotations must follow, too.
  await rollout.scale([...scalings, ...noted])
  if (rollout.deployment.spec.paused) await rollout.cleanUp(old)
  await rollout.writeStatus(statusOf(rollout.deployment, { newest, all, now: clock.now() }))
}

async function rollOn(rollout: Rollout, sets: readonly ReplicaSet[], { clock }: Dependencies): Promise<void> {
  const newest = await rollout.ensureNewest(sets)
  const old = oldOf(sets, newest)
  const scalings = planRollingUpdate(rollout.deployment, { newest, old })
  await rollout.scale(scalings)
  if (scalings.length === 0 && isComplete(rollout.deployment, rollout.deployment.status)) await rollout.cleanUp(old)
  await rollout.writeStatus(rolloutStatusOf(rollout.deployment, { newest, all: [...old, newest], now: clock.now() }))
}

/** First every old Pod goes, then the new ones come. */
async function recreate(
  rollout: Rollout,
  sets: readonly ReplicaSet[],
  { informers, clock }: Dependencies,
): Promise<void> {
  const known = await rollout.updateNewest(sets)
  const old = oldOf(sets, known)
  const shrinking = old.filter(set => replicasOf(set) > 0).map(set => ({ set, replicas: 0 }))
  const isOldRunning = old.some(set => controlledBy(informers, Pod, set).some(pod => !hasPodEnded(pod)))
  await rollout.scale(shrinking)
  if (shrinking.length > 0 || isOldRunning) {
    const all = known ? [...old, known] : old
    return rollout.writeStatus(rolloutStatusOf(rollout.deployment, { newest: known, all, now: clock.now() }))
  }
  const newest = known ?? (await rollout.ensureNewest(sets))
  const wanted = replicasOf(rollout.deployment)
  if (replicasOf(newest) !== wanted) await rollout.scale([{ set: newest, replicas: wanted }])
  if (isComplete(rollout.deployment, rollout.deployment.status)) await rollout.cleanUp(old)
  await rollout.writeStatus(rolloutStatusOf(rollout.deployment, { newest, all: [...old, newest], now: clock.now() }))
}

const oldOf = (sets: readonly ReplicaSet[], newest: ReplicaSet | undefined): readonly ReplicaSet[] =>
  sets.filter(({ metadata }) => metadata.uid !== newest?.metadata.uid)

/** A pause stops the clock of the deadline, and the end of the pause starts it anew. */
async function tellPaused(rollout: Rollout): Promise<void> {
  const { deployment } = rollout
  const progress = conditionNamed(deployment.status.conditions, 'Progressing')
  if (!hasProgressDeadline(deployment) || progress?.reason === 'ProgressDeadlineExceeded') return
  const wasPaused = progress?.reason === 'DeploymentPaused'
  const type = 'Progressing'
  if (deployment.spec.paused && !wasPaused) {
    await rollout.setCondition({ type, status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' })
  } else if (!deployment.spec.paused && wasPaused) {
    await rollout.setCondition({
      type,
      status: 'Unknown',
      reason: 'DeploymentResumed',
      message: 'Deployment is resumed',
    })
  }
}

async function refuseToSelectAll(deployment: Deployment, { client, events }: Dependencies): Promise<Result> {
  const message = 'This deployment is selecting all pods. A non-empty selector is required.'
  events.record(deployment, { type: 'Warning', reason: 'SelectingAll', message })
  const { generation = 0 } = deployment.metadata
  if ((deployment.status.observedGeneration ?? 0) < generation) {
    await client.updateStatus(Deployment, {
      ...deployment,
      status: { ...deployment.status, observedGeneration: generation },
    })
  }
  return {}
}

/** A Deployment that re-creates its Pods goes on when the last old one is gone. */
function recreatedAfterPod({ type, object }: InformerEvent<Pod>, { informers }: Dependencies): readonly ObjectKey[] {
  const owner = type === 'deleted' || hasPodEnded(object) ? controllerOf(object) : undefined
  if (owner?.kind !== ReplicaSet.kind) return []
  const { namespace } = object.metadata
  const set = informers.informer(ReplicaSet).get({ namespace, name: owner.name })
  const name = set && controllerOf(set)?.name
  const deployment = name && informers.informer(Deployment).get({ namespace, name })
  return deployment && !isRollingUpdate(deployment) ? [{ namespace, name }] : []
}
