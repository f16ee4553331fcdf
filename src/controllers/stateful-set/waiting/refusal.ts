import type { StatefulSet } from '../../../api/apps-v1/types.ts'
import { controllerOf } from '../../../machinery/object.ts'
import { isStatusError } from '../../../machinery/status.ts'
import { POD_NAME_LABEL, REVISION_LABEL } from '../identity.ts'
import type { Step } from '../plan.ts'
import { ClaimTerminatingError, messageOf, type StepFailure } from '../step-failure.ts'
import type { World } from '../world.ts'
import { terminatingClaim } from './claim-problem.ts'
import { cut, type Evidence, type Problem } from './evidence.ts'

const LABEL_VALUE_MAX = 63

/** Why a step was refused by the server, in its own words (E5, E9). Undefined for what a retry settles. */
export function refusalOf(
  { set, updateRevision }: Pick<World, 'set' | 'updateRevision'>,
  { step, error }: StepFailure,
  evidence: Evidence,
): Problem | undefined {
  if (isStatusError(error, 'Conflict')) return undefined
  if (isStatusError(error, 'AlreadyExists')) return takenName(set, step, evidence)
  const revisionName = updateRevision.metadata.name
  const terminating = terminatingErrorIn(error)
  if (terminating) return terminatingProblem(terminating)
  const tooLong = step.kind === 'createPod' ? tooLongName(set, revisionName, step.pod.metadata.name!) : undefined
  if (tooLong) return tooLong
  const cause = causeOf(error)
  if (isStatusError(cause, 'Forbidden') && /exceeded quota/.test(cause.message)) {
    const remedy = 'Ends when the quota is raised or something else in the namespace is removed'
    return { reason: 'QuotaExceeded', text: `is refused: ${cut(messageOf(error))}`, isStall: true, remedy }
  }
  if (!isStatusError(cause)) return undefined
  const text = `cannot be ${doneTo(step.kind)}: ${cut(messageOf(error))}`
  return { reason: 'PodRefused', text, isStall: true, remedy: 'Ends when the server accepts it' }
}

/** A Pod that was released, or is somebody else's, holds the name (L10). Its absence from the cache proves nothing. */
function takenName(set: StatefulSet, step: Step, evidence: Evidence): Problem | undefined {
  const holder = step.kind === 'createPod' ? evidence.podNamed(step.pod.metadata.name!) : undefined
  const controller = holder && controllerOf(holder)
  if (!holder || controller?.uid === set.metadata.uid) return undefined
  const whose = controller ? `that ${controller.kind} ${controller.name} controls` : 'that does not match the selector'
  return {
    reason: 'NameTaken',
    text: `is not created, because there is a Pod of that name ${whose}`,
    isStall: true,
    remedy: 'Ends when that Pod is gone, or has the labels of the set and no other controller',
  }
}

/** Claim control wraps what the server said. */
function causeOf(error: unknown): unknown {
  if (isStatusError(error)) return error
  return error instanceof Error && error.cause !== undefined ? causeOf(error.cause) : error
}

function terminatingErrorIn(error: unknown): ClaimTerminatingError | undefined {
  if (error instanceof ClaimTerminatingError) return error
  if (!(error instanceof AggregateError)) return undefined
  return error.errors.find(one => one instanceof ClaimTerminatingError)
}

function terminatingProblem({ claim }: ClaimTerminatingError): Problem {
  const { text, since } = terminatingClaim(claim)
  return {
    reason: 'ClaimTerminating',
    text: `is not created, because ${text}`,
    ...(since && { since }),
    isStall: true,
    remedy: 'Ends when the claim is gone; a new one is then made with the Pod',
  }
}

/** Names that fit the set but not the labels of its Pods (I10; kubernetes/kubernetes#64023). */
function tooLongName({ metadata }: StatefulSet, revisionName: string, podName: string): Problem | undefined {
  const label = podName.length > LABEL_VALUE_MAX ? POD_NAME_LABEL : REVISION_LABEL
  const value = podName.length > LABEL_VALUE_MAX ? podName : revisionName
  if (value.length <= LABEL_VALUE_MAX) return undefined
  const excess = value.length - LABEL_VALUE_MAX
  return {
    reason: 'NameTooLong',
    text:
      `cannot be created: its label ${label} would be "${value}", ${value.length} characters long, ` +
      `and labels may have at most ${LABEL_VALUE_MAX}`,
    isStall: true,
    remedy: `Ends when the set is made again under a name of at most ${metadata.name.length - excess} characters`,
  }
}

function doneTo(kind: StepFailure['step']['kind']): string {
  if (kind === 'createPod') return 'created'
  return kind === 'deletePod' ? 'deleted' : 'repaired'
}

export const podNameOfStep = ({ step }: StepFailure): string =>
  step.kind === 'createPod' ? step.pod.metadata.name! : step.pod.metadata.name
