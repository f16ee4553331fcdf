import type { JsonObject } from '../../machinery/json.ts'
import type { AdmissionPlugin } from '../../registry/resource.ts'
import { concerning, is, unchanged } from './admission-plugin.ts'

const FINALIZERS = new Map([
  ['persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
  ['persistentvolumes', 'kubernetes.io/pv-protection'],
])

/** Claims and volumes are born with a finalizer, so that deleting one in use waits until nobody uses it. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  concerns: concerning('/persistentvolumeclaims', '/persistentvolumes'),
  mutate(request) {
    const { resource, operation, object } = request
    const finalizer = FINALIZERS.get(resource.plural)
    if (operation !== 'CREATE' || !finalizer || !is(request, '', resource.plural)) return unchanged(request)
    const metadata = (object!.metadata ?? {}) as JsonObject
    const finalizers = (metadata.finalizers ?? []) as readonly string[]
    if (finalizers.includes(finalizer)) return object!
    return { ...object!, metadata: { ...metadata, finalizers: [...finalizers, finalizer] } }
  },
}
