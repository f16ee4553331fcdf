import { ControllerRevision, StatefulSet } from '../../api/apps-v1/types.ts'
import { type Event, PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import {
  type ControllerDefinition,
  controllerFor,
  type Dependencies,
  type Enqueue,
  type Reconciler,
} from '../../client/controller.ts'
import type { Informer, InformerEvent } from '../../client/informer.ts'
import { controllerOf, keyOf, type ObjectKey } from '../../machinery/object.ts'
import { matchesLabels, requirementsOf } from '../../machinery/selectors.ts'
import type { StatefulSetFeatures } from './features.ts'
import { parentAndOrdinalOf } from './identity.ts'
import { statefulSetReconciler } from './reconcile.ts'
import { claimPrefixesOf } from './storage.ts'
import { warningsOf } from './waiting/cluster-evidence.ts'

const BY_CLAIM_PREFIX = 'stateful-set: prefix of claim names'

/** The controller with chosen feature gates. */
export function statefulSetController(features?: StatefulSetFeatures): ControllerDefinition {
  return controllerFor(StatefulSet, { name: 'statefulset' })
    .owns(ControllerRevision)
    .owns(Pod)
    .watches(Pod, matchingSetsOf)
    .watches(PersistentVolumeClaim, setsOfClaim)
    .reconciledBy((dependencies, enqueue) => reconcilerWithEvidence(dependencies, enqueue, features))
}

/** A Pod without controller concerns every set whose selector matches it, when it is new or was changed (L3). */
function matchingSetsOf(event: InformerEvent<Pod>, { informers }: Dependencies): readonly ObjectKey[] {
  const { object: pod } = event
  if (event.type === 'deleted' || controllerOf(pod)) return []
  const { namespace, labels } = pod.metadata
  const { parent } = parentAndOrdinalOf(pod.metadata.name)
  const set = informers.informer(StatefulSet).get({ namespace, name: parent }) // No other could ever adopt it (L9).
  if (!set) return []
  try {
    return matchesLabels(requirementsOf(set.spec.selector), labels) ? [keyOf(set)] : []
  } catch {
    return [] // A selector that cannot be read matches nothing.
  }
}

/** Claims concern their set by name, so that one that is gone wakes the set at once, unlike upstream (S9, B22). */
function setsOfClaim(
  { object: claim }: InformerEvent<PersistentVolumeClaim>,
  { informers }: Dependencies,
): readonly ObjectKey[] {
  const { namespace, name } = claim.metadata
  const prefix = /^(.*-)[0-9]+$/s.exec(name)?.[1]
  if (!prefix) return []
  return indexedSets(informers.informer(StatefulSet)).byIndex(BY_CLAIM_PREFIX, `${namespace}/${prefix}`).map(keyOf)
}

function indexedSets(sets: Informer<StatefulSet>): Informer<StatefulSet> {
  sets.addIndex(BY_CLAIM_PREFIX, set => claimPrefixesOf(set).map(prefix => `${set.metadata.namespace}/${prefix}`))
  return sets
}

/** A warning about a Pod or a claim may be the reason that a waiting set has not known yet. */
function reconcilerWithEvidence(
  dependencies: Dependencies,
  enqueue: Enqueue,
  features: StatefulSetFeatures | undefined,
): Reconciler {
  const { informers } = dependencies
  warningsOf(informers).subscribe(event => {
    for (const key of setsConcernedBy(event, dependencies)) enqueue(key)
  })
  return statefulSetReconciler(dependencies, features)
}

function setsConcernedBy({ type, object }: InformerEvent<Event>, dependencies: Dependencies): readonly ObjectKey[] {
  if (type === 'deleted') return []
  const { kind, namespace = '', name = '' } = object.involvedObject
  if (kind !== 'Pod') return []
  const pod = dependencies.informers.informer(Pod).get({ namespace, name })
  const controller = pod && controllerOf(pod)
  return controller?.kind === StatefulSet.kind ? [{ namespace, name: controller.name }] : []
}
