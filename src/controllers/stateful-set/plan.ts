import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import type { Wait } from './wait.ts'

/** One thing to do. Pod control carries it out without deciding anything more. */
export type Step =
  /** Makes the missing claims first; the Pod only when all of them are there (S3). */
  | { readonly kind: 'createPod'; readonly ordinal: number; readonly pod: Unsaved<Pod> }
  | { readonly kind: 'deletePod'; readonly pod: Pod; readonly reason: DeleteReason }
  /** Makes the claims that a Pending Pod lacks (S8). */
  | { readonly kind: 'createClaims'; readonly pod: Pod; readonly claims: readonly Unsaved<PersistentVolumeClaim>[] }
  /** Writes what a Pod has lost of its identity or storage (I8, I9). */
  | { readonly kind: 'repairPod'; readonly pod: Pod; readonly repaired: Pod }
  /** Brings the owner references of the Pod's claims to what the retention policy asks (S11). */
  | { readonly kind: 'retainClaims'; readonly pod: Pod }

export type DeleteReason = 'Ended' | 'ScaledDown' | 'OutdatedRevision' | 'ClaimTerminating'

/**
 * What one pass does: stages one after the other, the steps of one stage at the same time. A stage starts only when
 * every step of the one before went well.
 */
export interface Plan {
  readonly stages: readonly (readonly Step[])[]
  /** Why the pass ends where it ends; absent when the set is as its spec asks. */
  readonly wait?: Wait
}

export const nothingToDo: Plan = { stages: [] }

/** What one slot needs, whatever the policy. */
export interface Finding {
  readonly steps: readonly Step[]
  /** Present: nothing after this may happen in this pass. */
  readonly wait?: Wait
}

export const outdatedDeletions = (steps: readonly Step[]): number =>
  steps.filter(step => step.kind === 'deletePod' && step.reason === 'OutdatedRevision').length

export const isBeingDeleted = ({ metadata }: StatefulSet): boolean => metadata.deletionTimestamp !== undefined
