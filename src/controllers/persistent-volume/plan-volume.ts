import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import type { EventNote } from '../../client/event-recorder.ts'
import { BOUND_BY_CONTROLLER, isRemovableHostPath, PROVISIONED_BY } from '../../machinery/volume-binding.ts'

type Phase = NonNullable<PersistentVolume['status']['phase']>

/** The one thing to do for a volume now. */
export type VolumeStep =
  | { readonly kind: 'setPhase'; readonly phase: Phase; readonly message?: string; readonly note?: EventNote }
  /** Its claim was bound elsewhere: take back the reservation, or the part of it that is ours. */
  | { readonly kind: 'unbind'; readonly spec: PersistentVolume['spec'] }
  /** The claim does not know of it yet: a pass over the claim will tell it. */
  | { readonly kind: 'lookAtClaim' }
  | { readonly kind: 'nothing' }

/** Decides one pass over a volume by upstream's rules. `claim` is what bears the name in `claimRef` now. Pure. */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeStep {
  const { claimRef } = volume.spec
  if (!claimRef?.uid) return phase(volume, 'Available')
  if (claim?.metadata.uid !== claimRef.uid) return planReleased(volume)
  if (!claim.spec.volumeName) return { kind: 'lookAtClaim' }
  if (claim.spec.volumeName === volume.metadata.name) return phase(volume, 'Bound')
  const isMadeForIt = volume.metadata.annotations?.[PROVISIONED_BY] !== undefined
  if (isMadeForIt && volume.spec.persistentVolumeReclaimPolicy === 'Delete') return planReleased(volume)
  return { kind: 'unbind', spec: unboundSpec(volume) }
}

/** A volume whose claim is gone is never bound again. What becomes of its data is the reclaim policy's to say. */
function planReleased(volume: PersistentVolume): VolumeStep {
  const { phase: current } = volume.status
  if (current !== 'Released' && current !== 'Failed') return { kind: 'setPhase', phase: 'Released' }
  const problem = reclaimProblem(volume)
  if (!problem || current === 'Failed') return { kind: 'nothing' }
  return { kind: 'setPhase', phase: 'Failed', message: problem.message, note: problem }
}

/** Nobody but a provisioner can delete a volume's data; nobody can scrub it. */
function reclaimProblem({ spec, metadata }: PersistentVolume): EventNote | undefined {
  switch (spec.persistentVolumeReclaimPolicy) {
    case 'Delete':
      if (metadata.annotations?.[PROVISIONED_BY] || spec.csi) return undefined
      if (spec.hostPath && isRemovableHostPath(spec.hostPath.path)) return undefined // Its machine removes it.
      return { type: 'Warning', reason: 'VolumeFailedDelete', message: undeletable(spec) }
    case 'Recycle':
      return { type: 'Warning', reason: 'VolumeFailedRecycle', message: 'no recyclable volume plugin matched' }
    default:
      return undefined
  }
}

const undeletable = ({ hostPath }: PersistentVolume['spec']): string =>
  hostPath
    ? `host_path deleter only supports /tmp/.+ but received provided ${hostPath.path}`
    : 'no deletable volume plugin matched'

const phase = ({ status }: PersistentVolume, wanted: Phase): VolumeStep =>
  status.phase === wanted ? { kind: 'nothing' } : { kind: 'setPhase', phase: wanted }

function unboundSpec({ spec, metadata }: PersistentVolume): PersistentVolume['spec'] {
  const { claimRef, ...free } = spec
  if (metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined) return free
  const { uid: _uid, resourceVersion: _version, ...reservation } = claimRef! // The user's own reservation stays.
  return { ...free, claimRef: reservation }
}
