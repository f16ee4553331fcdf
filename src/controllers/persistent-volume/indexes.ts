import { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { InformerFactory } from '../../client/informer.ts'
import { claimNamesOf, isBound, SELECTED_NODE, storageClassOf } from '../../machinery/volume-binding.ts'

/** Claims that wait for a volume, by their class. */
export const BY_CLASS_UNBOUND = 'unbound claims by class'
export const BY_SELECTED_NODE = 'unbound claims by selected node'
/** Volumes without a claim, by their class. */
export const BY_CLASS_FREE = 'free volumes by class'
/** Volumes by the claim that they name, as `namespace/name`. */
export const BY_CLAIM = 'volumes by claim'
/** Pods by the claims that they use, as `namespace/name`. */
export const PODS_BY_CLAIM = 'pods by claim'

/** What the passes look things up by. Idempotent. */
export function addVolumeIndexes(informers: InformerFactory): void {
  const claims = informers.informer(PersistentVolumeClaim)
  claims.addIndex(BY_CLASS_UNBOUND, claim => (isBound(claim) ? [] : [storageClassOf(claim)]))
  claims.addIndex(BY_SELECTED_NODE, claim => {
    const node = claim.metadata.annotations?.[SELECTED_NODE]
    return node && !isBound(claim) ? [node] : []
  })
  const volumes = informers.informer(PersistentVolume)
  volumes.addIndex(BY_CLASS_FREE, volume => (volume.spec.claimRef ? [] : [storageClassOf(volume)]))
  volumes.addIndex(BY_CLAIM, ({ spec: { claimRef } }) => (claimRef ? [`${claimRef.namespace}/${claimRef.name}`] : []))
  addPodsByClaim(informers)
}

export function addPodsByClaim(informers: InformerFactory): void {
  informers
    .informer(Pod)
    .addIndex(PODS_BY_CLAIM, pod => claimNamesOf(pod).map(name => `${pod.metadata.namespace}/${name}`))
}
