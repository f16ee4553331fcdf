import { deepEqual } from 'fast-equals'
import { Pod } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import {
  type ControllerDefinition,
  controllerFor,
  type Dependencies,
  type Reconciler,
} from '../../client/controller.ts'
import { controllerOf, isTerminating, keyOf, type ObjectKey } from '../../machinery/object.ts'
import { isPodActive } from '../../machinery/pod-state.ts'
import { attemptAll, messageOf } from '../attempt-all.ts'
import { claimChildren, controlledBy } from '../claim.ts'
import { isNamespaceGoing } from '../create-in-namespace.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { ownersOfOrphan } from '../orphan-watch.ts'
import { podFromTemplate } from '../pod-from-template.ts'
import { slowStart } from '../slow-start.ts'
import { deletionOrder } from './deletion-order.ts'
import { type ReplicaOwner, type ReplicaOwnerKind, replicaSets, replicationControllers } from './replica-owner.ts'
import { type ReplicaFailure, statusOf, untilNextAvailableMs } from './status.ts'

/** Pods made or deleted in one pass at most. */
const BURST_MAX = 500

export const replicaSetController = replicaController(replicaSets, { name: 'replicaset' })
export const replicationController = replicaController(replicationControllers, {
  name: 'replication',
  component: 'replication-controller',
})

function replicaController<T extends ReplicaOwner>(
  ownerKind: ReplicaOwnerKind<T>,
  names: { readonly name: string; readonly component?: string },
): ControllerDefinition {
  return controllerFor(ownerKind.kind, names)
    .owns(Pod)
    .watches(Pod, ownersOfOrphan(ownerKind.kind, ownerKind.selectorOf))
    .reconciledBy(dependencies => replicaReconciler(dependencies, ownerKind))
}

/** Keeps as many Pods of one template as asked, whichever they are. */
function replicaReconciler<T extends ReplicaOwner>(
  dependencies: Dependencies,
  { kind, selectorOf }: ReplicaOwnerKind<T>,
): Reconciler {
  const { client, informers, clock } = dependencies
  const expectations = new Expectations(dependencies)

  return async function reconcile(key) {
    const owner = informers.informer(kind).get(key)
    if (!owner) {
      expectations.forget(key)
      return {}
    }
    const selector = selectorOf(owner)
    if (!selector || selector.length === 0) return {} // It would select every Pod; the server refuses such owners.
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }

    const claim = { client, informers, expectations, owner, ownerKind: kind as Kind, selector, childKind: Pod }
    const pods = await claimChildren(claim)
    const replicas = new Replicas({ ...dependencies, owner, expectations, kind: kind as Kind })
    const failure = isTerminating(owner) ? undefined : await replicas.adjust(pods.filter(isPodActive))

    const now = clock.now()
    const status = statusOf(owner, { pods, ...(failure && { failure }), now })
    if (!deepEqual(owner.status, status)) {
      expectations.wrote(key, kind, await client.updateStatus(kind, { ...owner, status }))
    }
    if (failure) throw failure.error
    const recheckAfterMs = untilNextAvailableMs(pods, owner.spec.minReadySeconds ?? 0, now)
    return recheckAfterMs === undefined ? {} : { recheckAfterMs }
  }
}

interface ReplicasDependencies extends Dependencies {
  readonly owner: ReplicaOwner
  readonly kind: Kind
  readonly expectations: Expectations
}

/** Makes and deletes the Pods of one owner, and tells of it. */
class Replicas {
  readonly #dependencies: ReplicasDependencies
  readonly #key: ObjectKey

  constructor(dependencies: ReplicasDependencies) {
    this.#dependencies = dependencies
    this.#key = keyOf(dependencies.owner)
  }

  /** Answers what went wrong, so that the status can tell it before the pass fails. */
  async adjust(active: readonly Pod[]): Promise<ReplicaFailure | undefined> {
    const surplus = active.length - (this.#dependencies.owner.spec.replicas ?? 1)
    if (surplus < 0) return this.#create(Math.min(-surplus, BURST_MAX))
    if (surplus > 0) return this.#delete(active, Math.min(surplus, BURST_MAX))
    return undefined
  }

  async #create(count: number): Promise<ReplicaFailure | undefined> {
    const { owner, random, events, expectations } = this.#dependencies
    const template = owner.spec.template ?? {}
    const { error } = await slowStart(count, async () => {
      try {
        const pod = await expectations.create(this.#key, Pod, podFromTemplate(owner, { template, random }))
        events.record(owner, {
          type: 'Normal',
          reason: 'SuccessfulCreate',
          message: `Created pod: ${pod.metadata.name}`,
        })
      } catch (error) {
        if (!isNamespaceGoing(error)) {
          const message = `Error creating: ${messageOf(error)}`
          events.record(owner, { type: 'Warning', reason: 'FailedCreate', message })
        }
        throw error
      }
    })
    return error === undefined || isNamespaceGoing(error) ? undefined : { reason: 'FailedCreate', error }
  }

  async #delete(active: readonly Pod[], count: number): Promise<ReplicaFailure | undefined> {
    const { owner, events, expectations, clock } = this.#dependencies
    const order = deletionOrder(active, { related: this.#relatedPods(), now: clock.now() })
    const steps = order.slice(0, count).map(pod => async () => {
      try {
        await expectations.delete(this.#key, Pod, pod)
        events.record(owner, {
          type: 'Normal',
          reason: 'SuccessfulDelete',
          message: `Deleted pod: ${pod.metadata.name}`,
        })
      } catch (error) {
        events.record(owner, {
          type: 'Warning',
          reason: 'FailedDelete',
          message: `Error deleting: ${messageOf(error)}`,
        })
        throw error
      }
    })
    try {
      await attemptAll(steps)
      return undefined
    } catch (error) {
      return { reason: 'FailedDelete', error }
    }
  }

  /** The Pods of all owners that the same Deployment controls: they share machines, and should not. */
  #relatedPods(): readonly Pod[] {
    const { owner, kind, informers } = this.#dependencies
    const uid = controllerOf(owner)?.uid
    const siblings = informers
      .informer(kind)
      .list({ namespace: owner.metadata.namespace })
      .filter(other => other.metadata.uid === owner.metadata.uid || (uid && controllerOf(other)?.uid === uid))
    return siblings.flatMap(sibling => controlledBy(informers, Pod, sibling)).filter(isPodActive)
  }
}
