import type { StatefulSet, StatefulSetCondition, StatefulSetStatus } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { isPodTerminating } from '../../machinery/pod-state.ts'
import { replicasOf, revisionOf } from './identity.ts'
import { isAvailable, isRunningReady, type World } from './world.ts'

const COUNTERS = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'currentRevision',
  'updateRevision',
] as const

/** What the pass found and did, as far as status tells of it. */
export interface PassFacts {
  readonly world: Pick<World, 'set' | 'slots' | 'condemned' | 'currentRevision' | 'updateRevision' | 'now'>
  readonly collisionCount: number
  /** Pods deleted in this pass because of their revision: no longer counted as current (T6). */
  readonly outdatedDeletions: number
}

/** Status without conditions, counted from the Pods as the cache shows them (T1–T8). */
export function statusOf({ world, collisionCount, outdatedDeletions }: PassFacts): StatefulSetStatus {
  const { set, currentRevision, updateRevision } = world
  const pods = [...world.slots.flatMap(({ pod }) => pod ?? []), ...world.condemned].filter(hasPhase)
  const alive = pods.filter(pod => !isPodTerminating(pod))
  const atRevision = (name: string): number => alive.filter(pod => revisionOf(pod) === name).length
  const counted = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: pods.filter(isRunningReady).length,
    currentReplicas: Math.max(0, atRevision(currentRevision.metadata.name) - outdatedDeletions),
    updatedReplicas: atRevision(updateRevision.metadata.name),
    availableReplicas: pods.filter(pod => isAvailable(world, pod)).length,
    currentRevision: currentRevision.metadata.name,
    updateRevision: updateRevision.metadata.name,
    collisionCount,
  }
  return withoutZeros(isComplete(set, counted) ? promoted(counted) : counted)
}

/** Created Pods get their phase from the server at once; until the cache shows them they are not counted (T1, T3). */
const hasPhase = ({ status }: Pod): boolean => status?.phase !== undefined

type Counted = Required<Omit<StatefulSetStatus, 'conditions'>>

/** Every Pod is there, ready and at the update revision, whatever the strategy (T8, 1.37). */
function isComplete(set: StatefulSet, { updatedReplicas, readyReplicas, replicas }: Counted): boolean {
  return updatedReplicas === replicas && readyReplicas === replicas && replicas === replicasOf(set)
}

const promoted = (status: Counted): Counted => ({
  ...status,
  currentReplicas: status.updatedReplicas,
  currentRevision: status.updateRevision,
})

/** `replicas` and `availableReplicas` are written also when 0, the other counters are not (F15). */
function withoutZeros(status: Counted): StatefulSetStatus {
  const { readyReplicas, currentReplicas, updatedReplicas, ...rest } = status
  return {
    ...rest,
    ...(readyReplicas > 0 && { readyReplicas }),
    ...(currentReplicas > 0 && { currentReplicas }),
    ...(updatedReplicas > 0 && { updatedReplicas }),
  }
}

/** Whether there is news: a newer generation, another counter or revision, another condition of ours (T10). */
export function isStatusNews(have: StatefulSetStatus, want: StatefulSetStatus): boolean {
  return (
    (want.observedGeneration ?? 0) > (have.observedGeneration ?? 0) ||
    COUNTERS.some(field => (have[field] ?? 0) !== (want[field] ?? 0)) ||
    !isSameCondition(progressingOf(have), progressingOf(want))
  )
}

const PROGRESSING = 'Progressing'

export const progressingOf = ({ conditions }: StatefulSetStatus): StatefulSetCondition | undefined =>
  conditions?.find(({ type }) => type === PROGRESSING)

const isSameCondition = (a: StatefulSetCondition | undefined, b: StatefulSetCondition | undefined): boolean =>
  a?.status === b?.status && a?.reason === b?.reason && a?.message === b?.message

/**
 * The conditions that stand there, with ours set. Those of others stay, unlike upstream, which drops them (T11; see
 * docs/decisions/0004-conditions-on-stateful-sets.md). The time of transition changes only with the status.
 */
export function withProgressing(
  { conditions = [] }: StatefulSetStatus,
  progressing: Omit<StatefulSetCondition, 'type' | 'lastTransitionTime'>,
  now: string,
): readonly StatefulSetCondition[] {
  const before = conditions.find(({ type }) => type === PROGRESSING)
  const lastTransitionTime = before?.status === progressing.status ? before.lastTransitionTime : undefined
  const ours = { type: PROGRESSING, ...progressing, lastTransitionTime: lastTransitionTime ?? now }
  return [...conditions.filter(({ type }) => type !== PROGRESSING), ours]
}
