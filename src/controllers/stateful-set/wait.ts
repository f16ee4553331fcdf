import type { Pod } from '../../api/core-v1/types.ts'

/** Why a pass ended before the set was as its spec asks: the rule that makes it wait, and for whom. */
export type Wait =
  /** O5: the set itself is being deleted. */
  | { readonly rule: 'SetDeleting' }
  /** O7: a Pod has ended; its successor comes when it is gone. */
  | { readonly rule: 'PodEnded'; readonly pod: Pod; readonly recheckAfterMs?: number }
  /** O8: a Pod was created in this pass. */
  | { readonly rule: 'PodCreated'; readonly podName: string }
  /** S17: the claim of a former Pod of this name is about to be deleted. */
  | { readonly rule: 'ClaimOfFormerPod'; readonly podName: string; readonly claimName: string }
  /** O10: a Pod of a slot is going; D6: its name is taken until it is gone. */
  | { readonly rule: 'PodTerminating'; readonly pod: Pod }
  /** O10: an ordered set goes on only over a Pod that is running, ready and available. */
  | { readonly rule: 'PodNotReady'; readonly pod: Pod }
  | { readonly rule: 'PodNotAvailable'; readonly pod: Pod }
  /** O14: a Pod beyond the range is going, or was deleted in this pass. */
  | { readonly rule: 'ScalingDown'; readonly pod: Pod }
  /** O14: a Pod beyond the range is not healthy, and a lower one is not either. */
  | { readonly rule: 'ScaleDownHeld'; readonly pod: Pod; readonly heldBy: Pod | undefined }
  /** U4, U9, U11: outdated Pods stay while so many are unavailable. */
  | {
      readonly rule: 'UpdateBudget'
      readonly unavailable: readonly Pod[]
      readonly outdated: number
      readonly max: number
    }
  /** U4, U9, U11: outdated Pods were deleted in this pass. */
  | { readonly rule: 'Updating'; readonly outdated: number }
  /** U3: outdated Pods stay until somebody deletes them. */
  | { readonly rule: 'OnDelete'; readonly outdated: readonly Pod[] }
  /** U7: outdated Pods stay below the partition. */
  | { readonly rule: 'Partition'; readonly outdated: number; readonly partition: number }
  /** RC2: no Pod is created until every outdated one is gone. */
  | { readonly rule: 'Recreating'; readonly outdated: readonly Pod[] }
  /** Parallel: some Pods are not there or not available yet; nobody waits for them. */
  | { readonly rule: 'Settling'; readonly unavailable: readonly Pod[]; readonly missing: number }
