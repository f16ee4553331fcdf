import { RuntimeClass } from '../../api/node-v1/types.ts'
import type { AdmissionPlugin } from '../../registry/resource.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { concerning, createdPod, refusal, unchanged, withSpec } from './admission-plugin.ts'

/** A Pod's runtime class must exist; its overhead and the machines it runs on are the class's to say. */
export function runtimeClass(caches: ObjectCaches): AdmissionPlugin {
  caches.of(RuntimeClass)
  return {
    name: 'RuntimeClass',
    concerns: concerning('/pods'),
    async mutate(request) {
      const pod = createdPod(request)
      const name = pod?.spec.runtimeClassName
      if (!pod || !name) {
        if (pod?.spec.overhead)
          throw refusal(request, 'Pod Overhead set without corresponding RuntimeClass defined Overhead')
        return unchanged(request)
      }
      const found = caches.of(RuntimeClass).get({ name }) ?? (await caches.live(RuntimeClass, { name }))
      if (!found) throw refusal(request, `pod rejected: RuntimeClass "${name}" not found`)
      const { nodeSelector, tolerations } = found.scheduling ?? {}
      for (const [key, value] of Object.entries(nodeSelector ?? {})) {
        const own = pod.spec.nodeSelector?.[key]
        if (own !== undefined && own !== value) {
          throw refusal(
            request,
            `pod rejected: conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
          )
        }
      }
      return withSpec(pod, {
        ...(found.overhead?.podFixed && { overhead: found.overhead.podFixed }),
        ...(nodeSelector && { nodeSelector: { ...pod.spec.nodeSelector, ...nodeSelector } }),
        ...(tolerations && { tolerations: [...(pod.spec.tolerations ?? []), ...tolerations] }),
      })
    },
  }
}
