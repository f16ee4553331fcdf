import { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import { StorageClass } from '../../api/storage-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import { keyOf, keyText, type ObjectKey } from '../../machinery/object.ts'
import {
  claimNamesOf,
  namesStorageClass,
  storageClassOf,
  volumeMismatch,
  waitsForFirstConsumer,
} from '../../machinery/volume-binding.ts'
import { ClaimPass } from './claim-pass.ts'
import { addVolumeIndexes, BY_CLAIM, BY_CLASS_UNBOUND, BY_SELECTED_NODE } from './indexes.ts'
import { VolumePass } from './volume-pass.ts'

/**
 * Binds claims to volumes and keeps the phases of both. Its keys are of both kinds: those of claims have a namespace,
 * those of volumes have none.
 */
export const persistentVolumeController = controllerFor(PersistentVolumeClaim, {
  name: 'persistentvolume',
  component: 'persistentvolume-controller',
})
  .watches(PersistentVolumeClaim, ({ object }, dependencies) => volumesConcernedBy(object, dependencies))
  .watches(PersistentVolume, ({ object }, dependencies) => [keyOf(object), ...claimsConcernedBy(object, dependencies)])
  .watches(StorageClass, ({ object }, dependencies) => claimsOfClass(object, dependencies))
  .watches(Pod, event => (event.type === 'updated' || event.object.spec.nodeName ? [] : claimsOfPod(event.object)))
  .watches(Node, (event, { informers }) => {
    if (event.type !== 'deleted') return []
    const claims = informers.informer(PersistentVolumeClaim)
    return claims.byIndex(BY_SELECTED_NODE, event.object.metadata.name).map(keyOf)
  })
  .reconciledBy(persistentVolumeReconciler)

/** Moves one claim or one volume one step on. */
function persistentVolumeReconciler(dependencies: Dependencies): Reconciler {
  addVolumeIndexes(dependencies.informers)
  const claimPass = new ClaimPass(dependencies)
  const volumePass = new VolumePass(dependencies)
  return key => (key.namespace ? claimPass.run(key) : volumePass.run(key))
}

const claimsOfPod = (pod: Pod): readonly ObjectKey[] =>
  claimNamesOf(pod).map(name => ({ namespace: pod.metadata.namespace, name }))

/** The volume that the claim names, and all that name the claim: those that it did not take are given back. */
function volumesConcernedBy(
  { metadata, spec }: PersistentVolumeClaim,
  { informers }: Dependencies,
): readonly ObjectKey[] {
  const reserved = informers.informer(PersistentVolume).byIndex(BY_CLAIM, keyText(metadata)).map(keyOf)
  return spec.volumeName ? [{ name: spec.volumeName }, ...reserved] : reserved
}

/** The claim that the volume names; of a free one, all that wait and might take it. */
function claimsConcernedBy(volume: PersistentVolume, { informers }: Dependencies): readonly ObjectKey[] {
  const { claimRef } = volume.spec
  if (claimRef?.name && claimRef.namespace) return [{ namespace: claimRef.namespace, name: claimRef.name }]
  const className = storageClassOf(volume)
  const storageClass = className ? informers.informer(StorageClass).get({ name: className }) : undefined
  if (volume.status?.phase !== 'Available' || waitsForFirstConsumer(storageClass)) return [] // Theirs is the scheduler.
  const claims = informers.informer(PersistentVolumeClaim).byIndex(BY_CLASS_UNBOUND, className)
  return claims.filter(claim => volumeMismatch(volume, claim) === undefined).map(keyOf)
}

/** Claims of the class that wait, and those that have none and might get this one as the default. */
function claimsOfClass({ metadata: { name } }: StorageClass, { informers }: Dependencies): readonly ObjectKey[] {
  const claims = informers.informer(PersistentVolumeClaim)
  const classless = claims.byIndex(BY_CLASS_UNBOUND, '').filter(claim => !namesStorageClass(claim))
  return [...claims.byIndex(BY_CLASS_UNBOUND, name), ...classless].map(keyOf)
}
