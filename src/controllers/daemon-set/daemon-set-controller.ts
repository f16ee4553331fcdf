import { deepEqual } from 'fast-equals'
import { ControllerRevision, DaemonSet } from '../../api/apps-v1/types.ts'
import { Node, Pod } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import { controllerFor, type Dependencies, type Reconciler, type Result } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import { isTerminating, keyOf, keyText, type ObjectKey } from '../../machinery/object.ts'
import { isPodActive, untilPodAvailableMs } from '../../machinery/pod-state.ts'
import { requirementsOf } from '../../machinery/selectors.ts'
import { attemptAll } from '../attempt-all.ts'
import { claimChildren } from '../claim.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { ownersOfOrphan } from '../orphan-watch.ts'
import { DaemonPods } from './daemon-pods.ts'
import { EndedPodBackoff } from './ended-pod-backoff.ts'
import { currentHistory, hashOf, truncateHistory } from './history.ts'
import { type DaemonPlan, type DaemonWorld, planNodes } from './plan-nodes.ts'
import { planUpdate } from './plan-update.ts'
import { desiredOf, statusOf } from './status.ts'
import { updateLimitsOf } from './update-limits.ts'

const selectorOf = ({ spec }: DaemonSet) => requirementsOf(spec.selector)

export const daemonSetController = controllerFor(DaemonSet, { name: 'daemonset' })
  .owns(Pod)
  .watches(Pod, ownersOfOrphan(DaemonSet, selectorOf))
  .owns(ControllerRevision)
  .watches(Node, setsAfterNodeChange)
  .reconciledBy(daemonSetReconciler)

/** Keeps one Pod of the set on every machine that is for it. */
function daemonSetReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, clock } = dependencies
  const expectations = new Expectations(dependencies)
  const backoff = new EndedPodBackoff(clock)

  return async function reconcile(key) {
    const set = informers.informer(DaemonSet).get(key)
    if (!set) {
      expectations.forget(key)
      backoff.forget(keyText(key))
      return {}
    }
    const selector = selectorOf(set)
    if (selector.length === 0 || isTerminating(set)) return {}
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }

    const claim = {
      client,
      informers,
      expectations,
      owner: set,
      ownerKind: DaemonSet as Kind,
      selector,
      childKind: Pod,
    }
    const pods = await claimChildren(claim)
    const history = await currentHistory(set, { ...dependencies, expectations })
    const nodes = [...informers.informer(Node).list()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    const limits = updateLimitsOf(set, desiredOf({ set, nodes }))
    const world: DaemonWorld = { set, nodes, pods, hash: hashOf(history.current), limits, now: clock.now() }
    const daemons = new DaemonPods({ ...dependencies, expectations, backoff, set, hash: world.hash })

    let waitMs: number | undefined
    await attemptAll([
      async () => {
        waitMs = await daemons.carryOut(planOf(world))
      },
      () => truncateHistory(set, history, { pods, expectations }),
      async () => {
        const status = statusOf({ ...world, collisionCount: history.collisionCount })
        if (deepEqual(set.status, status)) return
        expectations.wrote(key, DaemonSet, await client.updateStatus(DaemonSet, { ...set, status }))
      },
    ])
    return nextLook([waitMs, ...availableSoon(world)])
  }
}

/** Machines come first: while one lacks its Pod or has one too many, nothing is updated. */
function planOf(world: DaemonWorld): DaemonPlan {
  const plan = planNodes(world)
  return plan.create.length + plan.remove.length > 0 ? plan : planUpdate(world)
}

const availableSoon = ({ set, pods, now }: DaemonWorld): readonly (number | undefined)[] =>
  pods.filter(isPodActive).map(pod => untilPodAvailableMs(pod, set.spec.minReadySeconds ?? 0, now))

/** The earliest of the moments at which time alone changes something. */
function nextLook(waits: readonly (number | undefined)[]): Result {
  const ahead = waits.filter(wait => wait !== undefined && wait > 0) as number[]
  return ahead.length > 0 ? { recheckAfterMs: Math.min(...ahead) } : {}
}

/** Heartbeats concern nobody; a machine that comes, goes, or changes its labels or taints concerns every set. */
function setsAfterNodeChange(event: InformerEvent<Node>, { informers }: Dependencies): readonly ObjectKey[] {
  const shown = ({ metadata, spec }: Node): object => [metadata.labels, spec.taints]
  if (event.type === 'updated' && deepEqual(shown(event.object), shown(event.previous))) return []
  return informers.informer(DaemonSet).list().map(keyOf)
}
