import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { StorageClass } from '../../api/storage-v1/types.ts'
import type { EventNote } from '../../client/event-recorder.ts'
import { isPodTerminating } from '../../machinery/pod-state.ts'
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  findMatchingVolume,
  isReservedFor,
  namesStorageClass,
  SELECTED_NODE,
  storageClassOf,
  volumeMismatch,
  waitsForFirstConsumer,
} from '../../machinery/volume-binding.ts'

/** What one pass over a claim may know. */
export interface ClaimWorld {
  /** The volume that `spec.volumeName` names. */
  readonly namedVolume: PersistentVolume | undefined
  /** Volumes reserved for the claim by name, and free ones of its class. */
  readonly candidates: readonly PersistentVolume[]
  readonly isTaken: (volume: PersistentVolume) => boolean
  readonly storageClass: StorageClass | undefined
  readonly defaultClass: StorageClass | undefined
  /** Pods that use the claim. */
  readonly pods: readonly Pod[]
  readonly hasNode: (name: string) => boolean
}

/** The one thing to do for a claim now. */
export type ClaimStep =
  | { readonly kind: 'bind'; readonly volume: PersistentVolume }
  | { readonly kind: 'wait'; readonly note?: EventNote }
  | { readonly kind: 'askProvisioner'; readonly provisioner: string; readonly note: EventNote }
  | { readonly kind: 'takeDefaultClass'; readonly className: string }
  | { readonly kind: 'forgetSelectedNode' }
  | { readonly kind: 'lose'; readonly note: EventNote }

/** Decides one pass over a claim by upstream's rules. Pure. */
export function planClaim(claim: PersistentVolumeClaim, world: ClaimWorld): ClaimStep {
  if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) return planBound(claim, world)
  return claim.spec.volumeName ? planNamed(claim, world) : planUnbound(claim, world)
}

/** Bound before: all that can be found is that it still is, or that its volume is lost. */
function planBound(claim: PersistentVolumeClaim, { namedVolume }: ClaimWorld): ClaimStep {
  if (!claim.spec.volumeName) {
    return lose('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  }
  if (!namedVolume) return lose('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  if (namedVolume.spec.claimRef && namedVolume.spec.claimRef.uid !== claim.metadata.uid) {
    return lose('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
  }
  return { kind: 'bind', volume: namedVolume }
}

/** The user, or an earlier pass that did not come to its end, has named the volume. */
function planNamed(claim: PersistentVolumeClaim, { namedVolume, isTaken }: ClaimWorld): ClaimStep {
  const { volumeName = '' } = claim.spec
  if (!namedVolume) return { kind: 'wait' }
  if (isReservedFor(namedVolume, claim)) return { kind: 'bind', volume: namedVolume }
  if (namedVolume.spec.claimRef || isTaken(namedVolume)) {
    return wait('Warning', 'FailedBinding', `volume "${volumeName}" already bound to a different claim.`)
  }
  const mismatch = volumeMismatch(namedVolume, claim)
  if (!mismatch) return { kind: 'bind', volume: namedVolume }
  return wait('Warning', 'VolumeMismatch', `Cannot bind to requested volume "${volumeName}": ${mismatch}`)
}

function planUnbound(claim: PersistentVolumeClaim, world: ClaimWorld): ClaimStep {
  const { storageClass, candidates, isTaken, defaultClass } = world
  const selectedNode = claim.metadata.annotations?.[SELECTED_NODE]
  const isDelayed = waitsForFirstConsumer(storageClass) && !selectedNode
  const volume = findMatchingVolume(claim, candidates, { isTaken, reservedOnly: isDelayed })
  if (volume) return { kind: 'bind', volume }
  if (!namesStorageClass(claim) && defaultClass) {
    return { kind: 'takeDefaultClass', className: defaultClass.metadata.name }
  }
  if (isDelayed) return waitForConsumer(world.pods)
  if (selectedNode && !world.hasNode(selectedNode)) return { kind: 'forgetSelectedNode' }
  const className = storageClassOf(claim)
  if (className) return planProvisioning(className, storageClass)
  return wait('Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set')
}

function waitForConsumer(pods: readonly Pod[]): ClaimStep {
  const pod = pods.find(each => !each.spec.nodeName && !isPodTerminating(each))
  return pod
    ? wait('Normal', 'WaitForPodScheduled', `waiting for pod ${pod.metadata.name} to be scheduled`)
    : wait('Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
}

/** Volumes are made by provisioners outside of this controller; upstream's own live under `kubernetes.io/`. */
function planProvisioning(className: string, storageClass: StorageClass | undefined): ClaimStep {
  if (!storageClass) {
    return wait('Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`)
  }
  const { provisioner } = storageClass
  if (provisioner.startsWith('kubernetes.io/')) {
    return wait('Warning', 'ProvisioningFailed', `no volume plugin matched name: ${provisioner}`)
  }
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system ` +
    'administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.'
  return { kind: 'askProvisioner', provisioner, note: { type: 'Normal', reason: 'ExternalProvisioning', message } }
}

const wait = (type: EventNote['type'], reason: string, message: string): ClaimStep => ({
  kind: 'wait',
  note: { type, reason, message },
})

const lose = (reason: string, message: string): ClaimStep => ({
  kind: 'lose',
  note: { type: 'Warning', reason, message },
})

/** Both sides as binding leaves them; each is the object itself when nothing is to change. */
export function boundVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { name, namespace, uid, resourceVersion } = claim.metadata
  const { claimRef } = volume.spec
  if (claimRef?.uid === uid && claimRef.name === name && claimRef.namespace === namespace) return volume
  const annotations = claimRef ? {} : { annotations: { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' } }
  return {
    ...volume,
    metadata: { ...volume.metadata, ...annotations },
    spec: {
      ...volume.spec,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
    },
  }
}

export function boundClaim(claim: PersistentVolumeClaim, volume: PersistentVolume): PersistentVolumeClaim {
  const { annotations } = claim.metadata
  const isOurChoice = !claim.spec.volumeName
  if (!isOurChoice && annotations?.[BIND_COMPLETED] !== undefined) return claim
  return {
    ...claim,
    metadata: {
      ...claim.metadata,
      annotations: { ...annotations, [BIND_COMPLETED]: 'yes', ...(isOurChoice && { [BOUND_BY_CONTROLLER]: 'yes' }) },
    },
    spec: { ...claim.spec, volumeName: volume.metadata.name },
  }
}

/** The status of a claim bound to that volume. What is being resized keeps the size that it has. */
export function boundStatus(claim: PersistentVolumeClaim, volume: PersistentVolume): PersistentVolumeClaim['status'] {
  const { accessModes, capacity, volumeAttributesClassName } = volume.spec
  const known = claim.status.phase === 'Bound' ? claim.status.capacity : undefined
  return {
    ...claim.status,
    phase: 'Bound',
    ...(accessModes && { accessModes }),
    ...((known ?? capacity) && { capacity: known ?? capacity! }),
    ...(volumeAttributesClassName && { currentVolumeAttributesClassName: volumeAttributesClassName }),
  }
}
