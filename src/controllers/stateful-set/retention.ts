import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { KubernetesObject } from '../../api/kind.ts'
import type { OwnerReference } from '../../api/meta-v1/types.ts'
import { controllerReferenceTo } from '../../machinery/object.ts'
import { isInRange, ordinalOf } from './identity.ts'

type Owner = Pick<KubernetesObject, 'apiVersion' | 'kind' | 'metadata'>

/** What the retention policy asks of one claim now. */
export interface RetentionChange {
  /** Absent: the references are as they should be. */
  readonly ownerReferences?: readonly OwnerReference[]
  /** Another controller owns the claim, so the policy is ignored for it (E4). */
  readonly isConflicting: boolean
}

const nothing: RetentionChange = { isConflicting: false }

const policyOf = ({ spec }: StatefulSet) => ({
  whenDeleted: spec.persistentVolumeClaimRetentionPolicy?.whenDeleted ?? 'Retain',
  whenScaled: spec.persistentVolumeClaimRetentionPolicy?.whenScaled ?? 'Retain',
})

/** Who the garbage collector must wait for before it deletes the claim (S11). */
function ownerWantedFor(set: StatefulSet, pod: Pod): Owner | undefined {
  const { whenDeleted, whenScaled } = policyOf(set)
  if (whenScaled === 'Delete' && !isInRange(set, ordinalOf(pod))) return pod
  return whenDeleted === 'Delete' ? set : undefined
}

/** Brings the owner references of a claim of this Pod to what the policy asks (S11, S15, S16). */
export function retentionChangeOf(set: StatefulSet, pod: Pod, claim: PersistentVolumeClaim): RetentionChange {
  const references = claim.metadata.ownerReferences ?? []
  if (references.some(reference => isStale(reference, set) || isStale(reference, pod))) return nothing
  const { whenDeleted, whenScaled } = policyOf(set)
  const retainsAll = whenDeleted === 'Retain' && whenScaled === 'Retain'
  const foreign = references.filter(({ uid }) => uid !== set.metadata.uid && uid !== pod.metadata.uid)
  const isConflicting = !retainsAll && foreign.some(({ controller }) => controller === true)
  const owner = isConflicting ? undefined : ownerWantedFor(set, pod)
  const wanted = owner ? [...foreign, controllerReferenceTo(owner)] : foreign
  return isSame(references, wanted) ? { isConflicting } : { ownerReferences: wanted, isConflicting }
}

/** It names our object, but one of another life. */
const isStale = ({ apiVersion, kind, name, uid }: OwnerReference, object: Owner): boolean =>
  apiVersion === object.apiVersion &&
  kind === object.kind &&
  name === object.metadata.name &&
  uid !== object.metadata.uid

/** Our references are compared whole, so that one that lost `controller: true` is written anew (S15c). */
const isSame = (have: readonly OwnerReference[], want: readonly OwnerReference[]): boolean =>
  have.length === want.length &&
  want.every(({ uid, controller }) => have.some(other => other.uid === uid && other.controller === controller))

/**
 * Whether the claim still waits for the garbage collector because of a Pod of that name which is no more (S17): a Pod
 * created now would lose it.
 */
export function isClaimOfFormerPod(set: StatefulSet, podName: string, { metadata }: PersistentVolumeClaim): boolean {
  if (policyOf(set).whenScaled === 'Retain') return false
  const { ownerReferences = [] } = metadata
  return ownerReferences.some(({ apiVersion, kind, name }) => apiVersion === 'v1' && kind === 'Pod' && name === podName)
}
