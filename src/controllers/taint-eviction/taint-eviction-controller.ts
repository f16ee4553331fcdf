import { deepEqual } from 'fast-equals'
import { Node, Pod } from '../../api/core-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import { keyOf, keyText, type ObjectKey } from '../../machinery/object.ts'
import { hasPodEnded, isPodTerminating } from '../../machinery/pod-state.ts'
import { deletePod, disruptionCondition, patchPodStatus } from '../disruption-target.ts'
import { podsOnNode } from '../pods-on-node.ts'
import { evictionTimeOf } from './eviction-time.ts'

const DISRUPTION = { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' }

export const taintEvictionController = controllerFor(Pod, { name: 'taint-eviction' })
  .watches(Node, podsAfterTaints)
  .reconciledBy(taintEvictionReconciler)

/** Deletes a Pod when it has tolerated the NoExecute taints of its machine for as long as it may (N2). */
function taintEvictionReconciler({ client, informers, events, clock }: Dependencies): Reconciler {
  const planned = new Set<string>()

  return async function reconcile(key) {
    const pod = informers.informer(Pod).get(key)
    const node = pod?.spec.nodeName ? informers.informer(Node).get({ name: pod.spec.nodeName }) : undefined
    const wasPlanned = planned.delete(keyText(key))
    if (!pod || !node || isPodTerminating(pod) || hasPodEnded(pod)) return {}
    const time = evictionTimeOf(pod, node)
    if (!time) {
      if (wasPlanned) tell(pod, `Cancelling deletion of Pod ${keyText(key)}`)
      return {}
    }
    const waitMs = time.getTime() - clock.now().getTime()
    if (waitMs > 0) {
      planned.add(keyText(key))
      return { recheckAfterMs: waitMs }
    }
    tell(pod, `Marking for deletion Pod ${keyText(key)}`)
    await patchPodStatus(client, pod, { conditions: [disruptionCondition(DISRUPTION, clock.now())] })
    await deletePod(client, pod)
    return {}
  }

  function tell(pod: Pod, message: string): void {
    events.record(pod, { type: 'Normal', reason: 'TaintManagerEviction', message })
  }
}

function podsAfterTaints(event: InformerEvent<Node>, { informers }: Dependencies): readonly ObjectKey[] {
  const { object } = event
  if (event.type === 'deleted') return [] // What happens to its Pods is the business of Pod GC.
  const before = event.type === 'updated' ? event.previous.spec.taints : []
  return deepEqual(before ?? [], object.spec.taints ?? []) ? [] : podsOnNode(informers, object.metadata.name).map(keyOf)
}
