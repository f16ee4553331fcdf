import { deepEqual } from 'fast-equals'
import { CustomResourceDefinition } from '../../api/apiextensions-v1/types.ts'
import { Deployment, ReplicaSet, StatefulSet } from '../../api/apps-v1/types.ts'
import { Pod, ReplicationController } from '../../api/core-v1/types.ts'
import { PodDisruptionBudget } from '../../api/policy-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import { isTerminating, keyOf, type ObjectKey } from '../../machinery/object.ts'
import { matchesLabels, requirementsOf } from '../../machinery/selectors.ts'
import { messageOf } from '../attempt-all.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { ServedKinds } from '../served-kinds.ts'
import { evictionsOf, expectedOf, failedStatusOf, needsScale, statusOf } from './budget-status.ts'
import { expectedScaleOf } from './expected-scale.ts'

export const disruptionController = controllerFor(PodDisruptionBudget, {
  name: 'disruption',
  component: 'controllermanager',
})
  .watches(Pod, budgetsOf)
  .watches(ReplicaSet, afterScale)
  .watches(Deployment, afterScale)
  .watches(StatefulSet, afterScale)
  .watches(ReplicationController, afterScale)
  .watches(CustomResourceDefinition, () => [])
  .reconciledBy(disruptionReconciler)

/** Counts for one budget how many of its Pods are healthy, and how many may go. */
function disruptionReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, events, clock } = dependencies
  const expectations = new Expectations(dependencies)
  const kinds = new ServedKinds(informers)

  return async function reconcile(key) {
    const budget = informers.informer(PodDisruptionBudget).get(key)
    if (!budget) expectations.forget(key)
    if (!budget || isTerminating(budget)) return {}
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    const pods = podsOf(budget, dependencies)
    if (pods.length === 0)
      events.record(budget, { type: 'Normal', reason: 'NoPods', message: 'No matching pods found' })

    const now = clock.now()
    let scale = pods.length
    try {
      if (needsScale(budget)) scale = await expectedScaleOf(pods, { client, informers, kinds })
    } catch (error) {
      const message = `Failed to calculate the number of expected pods: ${messageOf(error)}`
      events.record(budget, { type: 'Warning', reason: 'CalculateExpectedPodCountFailed', message })
      await write(budget, failedStatusOf(budget, messageOf(error), now))
      throw error
    }
    const { pending, overdue, recheckAfterMs } = evictionsOf(budget, pods, now)
    const message = `Pod was expected by PDB ${key.namespace}/${key.name} to be deleted but it wasn't`
    for (const pod of overdue) events.record(pod, { type: 'Warning', reason: 'NotDeleted', message })
    await write(budget, statusOf(budget, { pods, expected: expectedOf(budget, scale), pending, now }))
    return recheckAfterMs === undefined ? {} : { recheckAfterMs }
  }

  async function write(budget: PodDisruptionBudget, status: PodDisruptionBudget['status']): Promise<void> {
    if (deepEqual(budget.status, status)) return
    const written = await client.updateStatus(PodDisruptionBudget, { ...budget, status })
    expectations.wrote(keyOf(budget), PodDisruptionBudget, written)
  }
}

/** A budget without a selector is for no Pod, one with an empty selector for all of its namespace. */
function podsOf({ metadata, spec }: PodDisruptionBudget, { informers }: Dependencies): readonly Pod[] {
  if (!spec.selector) return []
  const labels = requirementsOf(spec.selector)
  return informers.informer(Pod).list({ namespace: metadata.namespace, labels })
}

function budgetsOf(event: InformerEvent<Pod>, { informers }: Dependencies): readonly ObjectKey[] {
  const versions = event.type === 'updated' ? [event.object, event.previous] : [event.object]
  const selects = ({ spec }: PodDisruptionBudget): boolean => {
    const requirements = spec.selector && requirementsOf(spec.selector)
    return requirements !== undefined && versions.some(({ metadata }) => matchesLabels(requirements, metadata.labels))
  }
  const { namespace } = event.object.metadata
  return informers.informer(PodDisruptionBudget).list({ namespace }).filter(selects).map(keyOf)
}

interface Scalable {
  readonly metadata: { readonly namespace: string }
  readonly spec: { readonly replicas?: number }
}

/** The wanted number changes what a budget expects, also when no Pod changes with it. */
function afterScale<T extends Scalable>(event: InformerEvent<T>, { informers }: Dependencies): readonly ObjectKey[] {
  if (event.type === 'updated' && event.object.spec.replicas === event.previous.spec.replicas) return []
  const { namespace } = event.object.metadata
  return informers.informer(PodDisruptionBudget).list({ namespace }).map(keyOf)
}
