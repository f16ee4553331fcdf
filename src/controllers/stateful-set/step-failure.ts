import type { PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import type { Step } from './plan.ts'

/** A claim that is going holds its Pod back until it is gone (S5). */
export class ClaimTerminatingError extends Error {
  override name = 'ClaimTerminatingError'
  readonly claim: PersistentVolumeClaim

  constructor(claim: PersistentVolumeClaim) {
    super(`pvc ${claim.metadata.name} is being deleted`)
    this.claim = claim
  }
}

export interface StepFailure {
  readonly step: Step
  readonly error: unknown
}

/** Steps of a pass that did not go well. The pass is tried again. */
export class PassFailure extends Error {
  override name = 'PassFailure'
  readonly failures: readonly StepFailure[]

  constructor(failures: readonly StepFailure[]) {
    super(aggregateText(failures.map(({ error }) => error)), { cause: failures[0]?.error })
    this.failures = failures
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** One message as it is, several as `[a, b]` (E5). */
export function aggregateText(errors: readonly unknown[]): string {
  const messages = [...new Set(errors.map(messageOf))]
  return messages.length === 1 ? messages[0]! : `[${messages.join(', ')}]`
}
