import type { Deployment, DeploymentCondition, DeploymentStatus } from '../../api/apps-v1/types.ts'
import { timeText } from '../../machinery/time.ts'

type Conditions = readonly DeploymentCondition[]

export const conditionNamed = (conditions: Conditions | undefined, type: string): DeploymentCondition | undefined =>
  conditions?.find(condition => condition.type === type)

export interface ConditionNews {
  readonly type: 'Progressing' | 'Available' | 'ReplicaFailure'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

/** With the condition set. One of the same status and reason stays as it is; the time of transition is of the status. */
export function withCondition(conditions: Conditions, news: ConditionNews, now: Date): Conditions {
  const current = conditionNamed(conditions, news.type)
  if (current?.status === news.status && current.reason === news.reason) return conditions
  return replaced(conditions, news, now)
}

/** With the condition set anew, so that its time of update shows that something went on. */
export function replaced(conditions: Conditions, news: ConditionNews, now: Date): Conditions {
  const current = conditionNamed(conditions, news.type)
  const time = timeText(now)
  const lastTransitionTime = current?.status === news.status ? (current.lastTransitionTime ?? time) : time
  return [...withoutCondition(conditions, news.type), { ...news, lastUpdateTime: time, lastTransitionTime }]
}

export const withoutCondition = (conditions: Conditions, type: string): Conditions =>
  conditions.filter(condition => condition.type !== type)

/** The largest number of the wire stands for "no deadline". */
export const hasProgressDeadline = ({ spec }: Deployment): boolean =>
  spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== 2 ** 31 - 1

/** All Pods are new and available, and the status is of this spec. */
export const isComplete = (deployment: Deployment, status: DeploymentStatus): boolean => {
  const wanted = deployment.spec.replicas ?? 1
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  )
}

/** Something moved forward: more new Pods, fewer old ones, more that are ready or available. */
export function isProgressing({ status: before }: Deployment, status: DeploymentStatus): boolean {
  const old = (of: DeploymentStatus): number => (of.replicas ?? 0) - (of.updatedReplicas ?? 0)
  return (
    (status.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(status) < old(before) ||
    (status.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}
