import type { ControllerRevision, StatefulSet } from '../../api/apps-v1/types.ts'
import type { PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import { isPodAvailable, isPodReady, isPodTerminating } from '../../machinery/pod-state.ts'
import type { StatefulSetFeatures } from './features.ts'
import { isInRange, ordinalOf, replicasOf, revisionOf, startOf } from './identity.ts'

/** The place of one replica, with its Pod if there is one. */
export interface Slot {
  readonly ordinal: number
  readonly pod?: Pod
}

/** Everything that one pass over a set decides on, read at one moment. */
export interface World {
  readonly set: StatefulSet
  /** In ascending order of ordinals. */
  readonly slots: readonly Slot[]
  /** Pods outside the range of ordinals, from the highest down (O1). */
  readonly condemned: readonly Pod[]
  readonly currentRevision: ControllerRevision
  readonly updateRevision: ControllerRevision
  readonly claimNamed: (name: string) => PersistentVolumeClaim | undefined
  /** How long a Pod that has ended still stays before it is replaced. */
  readonly replacementWaitMs: (pod: Pod) => number
  readonly features: StatefulSetFeatures
  readonly now: Date
}

/** Puts each member in its place. Pods without an ordinal are ignored (O1). */
export function placesOf(set: StatefulSet, members: readonly Pod[]): Pick<World, 'slots' | 'condemned'> {
  const byOrdinal = new Map<number, Pod>()
  const condemned: Pod[] = []
  for (const pod of members) {
    const ordinal = ordinalOf(pod)
    if (isInRange(set, ordinal)) byOrdinal.set(ordinal, pod)
    else if (ordinal >= 0) condemned.push(pod)
  }
  const start = startOf(set)
  const slots = Array.from({ length: replicasOf(set) }, (_, index): Slot => {
    const pod = byOrdinal.get(start + index)
    return { ordinal: start + index, ...(pod && { pod }) }
  })
  return { slots, condemned: condemned.sort((a, b) => ordinalOf(b) - ordinalOf(a)) }
}

/** Phase Running and condition Ready (O3). */
export const isRunningReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isPodReady(pod)

/** Running, ready, and that for `minReadySeconds` (O3). */
export const isAvailable = ({ set, now }: Pick<World, 'set' | 'now'>, pod: Pod): boolean =>
  isRunningReady(pod) && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)

/** An empty slot, or a Pod that is not available or is going (O3). */
export const isUnavailable = (world: Pick<World, 'set' | 'now'>, pod: Pod | undefined): boolean =>
  !pod || isPodTerminating(pod) || !isAvailable(world, pod)

export const isOutdated = ({ updateRevision }: Pick<World, 'updateRevision'>, pod: Pod): boolean =>
  revisionOf(pod) !== updateRevision.metadata.name

/** Slots that the rollout may touch: from the partition up. It counts slots, not ordinals (U7). */
export function slotsAbovePartition({ set, slots }: Pick<World, 'set' | 'slots'>): readonly Slot[] {
  return slots.slice(set.spec.updateStrategy?.rollingUpdate?.partition ?? 0)
}

/** `Recreate` counts only with its gate on; then the API server has let it in, though 1.36 types do not know it (RC5). */
export function strategyOf({
  set,
  features,
}: Pick<World, 'set' | 'features'>): 'RollingUpdate' | 'OnDelete' | 'Recreate' {
  const type: string | undefined = set.spec.updateStrategy?.type
  if (type === 'OnDelete') return 'OnDelete'
  return type === 'Recreate' && features.recreate ? 'Recreate' : 'RollingUpdate'
}

export const isParallel = ({ spec }: StatefulSet): boolean => spec.podManagementPolicy === 'Parallel'

/** The revision at which a Pod of this ordinal is created now (U12). */
export function revisionFor(world: World, ordinal: number): ControllerRevision {
  const { set, currentRevision, updateRevision } = world
  if (strategyOf(world) !== 'RollingUpdate') return updateRevision
  const { rollingUpdate } = set.spec.updateStrategy ?? {}
  const keptCount = rollingUpdate ? (rollingUpdate.partition ?? 0) : (set.status.currentReplicas ?? 0)
  return ordinal < startOf(set) + keptCount ? currentRevision : updateRevision
}
