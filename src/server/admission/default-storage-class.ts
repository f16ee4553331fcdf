import { PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import { StorageClass } from '../../api/storage-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { namesStorageClass, defaultStorageClass as newestDefault } from '../../machinery/volume-binding.ts'
import type { AdmissionPlugin } from '../../registry/resource.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { concerning, is, unchanged } from './admission-plugin.ts'

/** A claim that names no class gets the default one, if there is any. */
export function defaultStorageClass(caches: ObjectCaches): AdmissionPlugin {
  const classes = caches.of(StorageClass)
  return {
    name: 'DefaultStorageClass',
    concerns: concerning('/persistentvolumeclaims'),
    mutate(request) {
      if (request.operation !== 'CREATE' || !is(request, '', PersistentVolumeClaim.plural)) return unchanged(request)
      const claim = request.object as unknown as PersistentVolumeClaim
      if (!claim.spec || namesStorageClass(claim)) return unchanged(request)
      const storageClass = newestDefault([...classes.list()])
      if (!storageClass) return unchanged(request)
      return {
        ...request.object!,
        spec: { ...(claim.spec as unknown as JsonObject), storageClassName: storageClass.metadata.name },
      }
    },
  }
}
