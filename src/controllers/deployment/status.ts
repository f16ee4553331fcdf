import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/apps-v1/types.ts'
import { timeOf } from '../../machinery/time.ts'
import { withoutZeros } from '../without-zeros.ts'
import {
  type ConditionNews,
  conditionNamed,
  hasProgressDeadline,
  isComplete,
  isProgressing,
  replaced,
  withCondition,
  withoutCondition,
} from './conditions.ts'
import {
  actualReplicasOf,
  availableReplicasOf,
  readyReplicasOf,
  replicasOf,
  specReplicasOf,
  unavailableMaxOf,
} from './rollout-limits.ts'

interface Sets {
  readonly newest: ReplicaSet | undefined
  readonly all: readonly ReplicaSet[]
  readonly now: Date
}

/** The counts, and whether enough Pods are available. */
export function statusOf(deployment: Deployment, { newest, all, now }: Sets): DeploymentStatus {
  const available = availableReplicasOf(all)
  const { collisionCount, conditions = [] } = deployment.status
  const terminating = all.map(({ status }) => status.terminatingReplicas ?? 0).reduce((a, b) => a + b, 0)
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: actualReplicasOf(all),
    updatedReplicas: newest ? actualReplicasOf([newest]) : 0,
    readyReplicas: readyReplicasOf(all),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, specReplicasOf(all) - available),
  }
  return {
    ...withoutZeros(counts),
    terminatingReplicas: terminating,
    ...(collisionCount !== undefined && { collisionCount }),
    conditions: withCondition(conditions, availabilityOf(deployment, available), now),
  }
}

function availabilityOf(deployment: Deployment, available: number): ConditionNews {
  return available >= replicasOf(deployment) - unavailableMaxOf(deployment)
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      }
}

/** The status of a rollout: also how it goes on, and what keeps its ReplicaSets from making Pods. */
export function rolloutStatusOf(deployment: Deployment, sets: Sets): DeploymentStatus {
  const status = statusOf(deployment, sets)
  const progressed = progressOf(deployment, status, sets)
  return { ...status, conditions: withReplicaFailure(progressed, sets) }
}

function progressOf(
  deployment: Deployment,
  status: DeploymentStatus,
  { newest, now }: Sets,
): readonly DeploymentCondition[] {
  const conditions = status.conditions ?? []
  if (!hasProgressDeadline(deployment)) return withoutCondition(conditions, 'Progressing')
  const current = conditionNamed(deployment.status.conditions, 'Progressing')
  const isDone = status.replicas === status.updatedReplicas && current?.reason === 'NewReplicaSetAvailable'
  if (isDone) return conditions
  const subject = newest ? `ReplicaSet "${newest.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  const news = (status: 'True' | 'False', reason: string, what: string): ConditionNews => ({
    type: 'Progressing',
    status,
    reason,
    message: `${subject} ${what}`,
  })
  if (isComplete(deployment, status)) {
    return withCondition(conditions, news('True', 'NewReplicaSetAvailable', 'has successfully progressed.'), now)
  }
  if (isProgressing(deployment, status)) {
    return replaced(conditions, news('True', 'ReplicaSetUpdated', 'is progressing.'), now)
  }
  if (untilTimedOutMs(deployment, now) === 0) {
    return withCondition(conditions, news('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'), now)
  }
  return conditions
}

/** The newest set's failure, or else that of an old one. */
function withReplicaFailure(
  conditions: readonly DeploymentCondition[],
  { newest, all, now }: Sets,
): readonly DeploymentCondition[] {
  const ordered = newest ? [newest, ...all] : all
  for (const { status } of ordered) {
    const failure = status.conditions?.find(({ type }) => type === 'ReplicaFailure')
    if (!failure) continue
    const { reason = '', message = '' } = failure
    return withCondition(conditions, { type: 'ReplicaFailure', status: 'True', reason, message }, now)
  }
  return withoutCondition(conditions, 'ReplicaFailure')
}

/** Milliseconds until the rollout counts as stuck: 0 when it does now, undefined when no deadline runs. */
export function untilTimedOutMs({ spec, status }: Deployment, now: Date): number | undefined {
  const progress = conditionNamed(status.conditions, 'Progressing')
  if (!progress || progress.reason === 'NewReplicaSetAvailable') return undefined
  if (progress.reason === 'ProgressDeadlineExceeded') return 0
  const since = progress.lastUpdateTime ?? progress.lastTransitionTime
  if (!since || spec.progressDeadlineSeconds === undefined) return undefined
  const untilMs = timeOf(since).getTime() + spec.progressDeadlineSeconds * 1000
  return Math.max(0, untilMs - now.getTime())
}
