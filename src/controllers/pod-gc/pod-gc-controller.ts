import { Node, Pod } from '../../api/core-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler, type Result } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { keyOf, type ObjectKey } from '../../machinery/object.ts'
import { hasPodEnded, isPodTerminating } from '../../machinery/pod-state.ts'
import { attemptAll } from '../attempt-all.ts'
import { deletePod, disruptionCondition, patchPodStatus } from '../disruption-target.ts'
import { podsOnNode } from '../pods-on-node.ts'
import { fateOf, isOutOfService, surplusEnded } from './pod-fate.ts'

/** A machine that is not there may only not be there yet. */
const QUARANTINE_MS = 40_000

const DISRUPTION = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }

/** A key of no Pod: looks whether too many ended Pods lie about. */
const ALL_ENDED: ObjectKey = { name: 'all-ended' }
const ENDED = 'ended'

export const podGcController = controllerFor(Pod, { name: 'pod-gc', component: 'pod-garbage-collector' })
  .watches(Pod, ({ type, object }) => (type !== 'deleted' && hasPodEnded(object) ? [ALL_ENDED] : []))
  .watches(Node, podsAfterNodeChange)
  .reconciledBy(podGcReconciler)

/** Removes Pods that no machine will ever remove (N4, N5). */
function podGcReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, clock } = dependencies
  const pods = informers.informer(Pod)
  pods.addIndex(ENDED, pod => (hasPodEnded(pod) ? [ENDED] : []))
  const missingSince = new Map<string, number>()

  return async function reconcile(key) {
    if (!key.namespace) {
      await attemptAll(surplusEnded(pods.byIndex(ENDED, ENDED)).map(pod => () => removeNow(pod)))
      return {}
    }
    const pod = pods.get(key)
    if (!pod) return {}
    const node = pod.spec.nodeName ? informers.informer(Node).get({ name: pod.spec.nodeName }) : undefined
    if (node) missingSince.delete(node.metadata.name)
    switch (fateOf(pod, node)) {
      case 'keep':
        return {}
      case 'remove':
        await removeNow(pod)
        return {}
      case 'orphaned':
        return removeOrphan(pod)
    }
  }

  /** Its machine is not in the cache; only after a while, and a look at the server, is it believed to be gone. */
  async function removeOrphan(pod: Pod): Promise<Result> {
    const name = pod.spec.nodeName!
    const nowMs = clock.monotonicMs()
    const sinceMs = missingSince.get(name) ?? nowMs
    missingSince.set(name, sinceMs)
    const waitMs = sinceMs + QUARANTINE_MS - nowMs
    if (waitMs > 0) return { recheckAfterMs: waitMs }
    if (await client.find(Node, { name })) return { recheckAfterMs: QUARANTINE_MS }
    await removeNow(pod, { conditions: [disruptionCondition(DISRUPTION, clock.now())] })
    if (podsOnNode(informers, name).length <= 1) missingSince.delete(name)
    return {}
  }

  async function removeNow(pod: Pod, status: JsonObject = {}): Promise<void> {
    if (!hasPodEnded(pod)) await patchPodStatus(client, pod, { phase: 'Failed', ...status })
    await deletePod(client, pod, { gracePeriodSeconds: 0 })
  }
}

function podsAfterNodeChange(event: InformerEvent<Node>, { informers }: Dependencies): readonly ObjectKey[] {
  const { type, object } = event
  if (type === 'added' || (type === 'updated' && !isOutOfService(object))) return []
  return podsOnNode(informers, object.metadata.name)
    .filter(pod => type === 'deleted' || isPodTerminating(pod))
    .map(keyOf)
}
