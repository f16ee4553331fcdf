import type { PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import { StorageClass } from '../../api/storage-v1/types.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import { requestedStorage, storageClassOf } from '../../machinery/volume-binding.ts'
import type { AdmissionPlugin } from '../../registry/resource.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { concerning, is, refusal } from './admission-plugin.ts'

/** A claim may ask for more only when it is bound and its class can give more. */
export function persistentVolumeClaimResize(caches: ObjectCaches): AdmissionPlugin {
  const classes = caches.of(StorageClass)
  return {
    name: 'PersistentVolumeClaimResize',
    concerns: concerning('/persistentvolumeclaims'),
    validate(request) {
      if (request.operation !== 'UPDATE' || !is(request, '', 'persistentvolumeclaims')) return undefined
      const claim = request.object as unknown as PersistentVolumeClaim
      const old = request.oldObject as unknown as PersistentVolumeClaim
      if (compareQuantities(requestedStorage(claim), requestedStorage(old)) <= 0) return undefined
      if (old.status?.phase !== 'Bound') throw refusal(request, 'Only bound persistent volume claims can be expanded')
      const name = storageClassOf(claim)
      if (name === '' || !classes.get({ name })?.allowVolumeExpansion) {
        throw refusal(
          request,
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        )
      }
      return undefined
    },
  }
}
