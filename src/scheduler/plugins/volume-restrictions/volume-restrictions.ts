import type { ClusterState } from '../../cluster-state.ts'
import type { Plugin } from '../../plugin.ts'
import type { VolumeLookup } from '../../volume-lookup.ts'

const IN_USE = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'

/** A claim with access mode ReadWriteOncePod has one Pod at a time in the whole cluster. */
export function volumeRestrictions(state: ClusterState, lookup: VolumeLookup): Plugin {
  return {
    name: 'VolumeRestrictions',
    filterFor(pod) {
      if (pod.claimNames.length === 0) return undefined
      const isInUse = lookup
        .claimsOf(pod)
        .some(
          ({ metadata, spec }) =>
            spec.accessModes?.includes('ReadWriteOncePod') && state.isClaimInUse(`${pod.namespace}/${metadata.name}`),
        )
      return isInUse ? { kind: 'where', refusalOf: () => IN_USE } : undefined
    },
    helpedBy: {
      podRemoved: (pod, { pod: removed }) =>
        removed.namespace === pod.namespace && removed.claimNames.some(name => pod.claimNames.includes(name)),
      claimChanged: (pod, { claim: { metadata } }) =>
        metadata.namespace === pod.namespace && pod.claimNames.includes(metadata.name),
    },
  }
}
