import type { StatefulSet } from '../../../api/apps-v1/types.ts'
import type { PersistentVolumeClaim, Pod } from '../../../api/core-v1/types.ts'

/** Claims that outlived whoever used them: no Pod mounts them, and no set would use them for an ordinal it has. */
export function unownedClaims(
  claims: readonly PersistentVolumeClaim[],
  sets: readonly StatefulSet[],
  pods: readonly Pod[],
): readonly PersistentVolumeClaim[] {
  const used = new Set<string>()
  for (const { metadata, spec } of pods) {
    for (const { persistentVolumeClaim } of spec.volumes ?? []) {
      if (persistentVolumeClaim) used.add(`${metadata.namespace}/${persistentVolumeClaim.claimName}`)
    }
  }
  for (const { metadata, spec } of sets) {
    const first = spec.ordinals?.start ?? 0
    for (const template of spec.volumeClaimTemplates ?? []) {
      for (let ordinal = first; ordinal < first + (spec.replicas ?? 1); ordinal++) {
        used.add(`${metadata.namespace}/${template.metadata.name}-${metadata.name}-${ordinal}`)
      }
    }
  }
  return claims.filter(({ metadata }) => !used.has(`${metadata.namespace}/${metadata.name}`))
}
