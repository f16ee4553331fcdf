import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { Clock } from '../../machinery/clock.ts'
import { controllerOf } from '../../machinery/object.ts'
import { hasPodEnded, isPodReady, isPodTerminating, podConditionOf } from '../../machinery/pod-state.ts'
import type { Change } from './store-truth.ts'

/** A truth so old may still stand in somebody's cache. */
const STALE_MS = 15_000
/** Times are whole seconds, and clocks of machines differ. */
const CLOCK_TOLERANCE_MS = 4000
const REVISION_LABEL = 'controller-revision-hash'

interface Health {
  /** Ready and not going: when it became so, and when it was so last. */
  becameReadyMs: number
  lastReadyMs: number
  isReady: boolean
}

interface SetState {
  set: StatefulSet
  changedMs: number
  /** Names whose Pods the rollout took, and that have not been ready since. */
  readonly inRollout: Set<string>
}

/** Holds the order of events against what StatefulSets promise. Says each breach as a sentence. */
export class Rules {
  readonly #clock: Clock
  readonly #violated: (text: string) => void
  readonly #sets = new Map<string, SetState>()
  readonly #pods = new Map<string, Pod>()
  readonly #health = new Map<string, Health>()
  readonly #deletedByUser = new Set<string>()
  readonly #goingClaims = new Set<string>()

  constructor(clock: Clock, violated: (text: string) => void) {
    this.#clock = clock
    this.#violated = violated
  }

  userDeleted(uid: string): void {
    this.#deletedByUser.add(uid)
  }

  setChanged({ type, object }: Change<StatefulSet>): void {
    const { name, uid } = object.metadata
    if (type === 'deleted') return void this.#sets.delete(name)
    const known = this.#sets.get(name)
    const isSame = known !== undefined && known.set.metadata.uid === uid
    const changedMs = isSame && shapeOf(known.set) === shapeOf(object) ? known.changedMs : this.#now
    this.#sets.set(name, { set: object, changedMs, inRollout: isSame ? known.inRollout : new Set() })
  }

  podChanged({ type, object: pod, previous }: Change<Pod>): void {
    const { name } = pod.metadata
    const state = this.#ownerOf(pod)
    if (type === 'added' && state) this.#checkCreation(pod, state)
    if (type === 'modified' && isPodTerminating(pod) && previous && !isPodTerminating(previous) && state)
      this.#checkDeletion(previous, pod, state)
    if (type === 'deleted') this.#pods.delete(name)
    else this.#pods.set(name, pod)
    this.#noteHealth(name, type === 'deleted' ? undefined : pod)
    if (state && type !== 'deleted' && isPodReady(pod) && !isPodTerminating(pod)) state.inRollout.delete(name)
  }

  claimChanged({ object, previous, type }: Change<PersistentVolumeClaim>): void {
    const isGoing = object.metadata.deletionTimestamp !== undefined || type === 'deleted'
    if (isGoing && type !== 'deleted') this.#goingClaims.add(object.metadata.name)
    else this.#goingClaims.delete(object.metadata.name)
    if (!isGoing || (previous && previous.metadata.deletionTimestamp !== undefined)) return
    const { name } = object.metadata
    const podName = name.replace(/^data-/, '')
    const state = this.#sets.get(podName.slice(0, podName.lastIndexOf('-')))
    if (!state || state.set.metadata.deletionTimestamp || this.#now - state.changedMs < STALE_MS) return
    const policy = state.set.spec.persistentVolumeClaimRetentionPolicy
    const isDeleting = policy?.whenScaled === 'Delete' && !this.#isInRange(state.set, ordinalOf(podName))
    const isOldLife = policy?.whenDeleted === 'Delete' || policy?.whenScaled === 'Delete'
    if (!isDeleting && !isOldLife) this.#violated(`claim ${name} was deleted, which nothing asked for`)
  }

  get #now(): number {
    return this.#clock.monotonicMs()
  }

  #ownerOf(pod: Pod): SetState | undefined {
    const owner = controllerOf(pod)
    const state = owner?.kind === 'StatefulSet' ? this.#sets.get(owner.name) : undefined
    return state && state.set.metadata.uid === owner?.uid ? state : undefined
  }

  /** Rules bind only when what the user asks for has been known to all for a while. */
  #isSettledIn({ set, changedMs }: SetState): boolean {
    return !set.metadata.deletionTimestamp && this.#now - changedMs > STALE_MS
  }

  #isInRange({ spec }: StatefulSet, ordinal: number): boolean {
    const start = spec.ordinals?.start ?? 0
    return ordinal >= start && ordinal < start + (spec.replicas ?? 1)
  }

  #checkCreation(pod: Pod, state: SetState): void {
    const { set } = state
    const { name } = pod.metadata
    if (!this.#isSettledIn(state)) return
    const ordinal = ordinalOf(name)
    const start = set.spec.ordinals?.start ?? 0
    if (!this.#isInRange(set, ordinal)) this.#violated(`${name} was created, which is not one of the replicas`)
    if (set.spec.podManagementPolicy !== 'Parallel') this.#checkOrder(set, name, ordinal)
    const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
    const { currentRevision, updateRevision, observedGeneration } = set.status
    const isTold = observedGeneration === set.metadata.generation && currentRevision !== updateRevision
    if (ordinal - start < partition && isTold && pod.metadata.labels?.[REVISION_LABEL] === updateRevision)
      this.#violated(`${name} was created at the new revision, though the partition is ${partition}`)
  }

  #checkOrder(set: StatefulSet, name: string, ordinal: number): void {
    const minReadyMs = (set.spec.minReadySeconds ?? 0) * 1000
    for (let lower = set.spec.ordinals?.start ?? 0; lower < ordinal; lower++) {
      const lowerName = `${set.metadata.name}-${lower}`
      const health = this.#health.get(lowerName)
      if (!this.#wasReady(health)) this.#violated(`${name} was created while ${lowerName} was not ready`)
      else if (health!.isReady && this.#now - health!.becameReadyMs < minReadyMs - CLOCK_TOLERANCE_MS)
        this.#violated(`${name} was created before ${lowerName} had been ready for ${minReadyMs / 1000} s`)
    }
  }

  #wasReady(health: Health | undefined): boolean {
    return health !== undefined && (health.isReady || this.#now - health.lastReadyMs < STALE_MS)
  }

  /** `before` is the Pod as it was when somebody began to delete it. */
  #checkDeletion(before: Pod, pod: Pod, state: SetState): void {
    const { set } = state
    const { name, uid } = pod.metadata
    const isExcused = this.#deletedByUser.has(uid) || hasPodEnded(pod) || podConditionOf(pod, 'DisruptionTarget')
    // A Pod whose claim is on its way out can never start (S5).
    const isWithoutFuture = pod.status.phase === 'Pending' && this.#goingClaims.has(`data-${name}`)
    if (isExcused || isWithoutFuture || !this.#isSettledIn(state)) return
    const ordinal = ordinalOf(name)
    if (!this.#isInRange(set, ordinal)) {
      this.#checkScaleDown(set, name, ordinal)
      return
    }
    const index = ordinal - (set.spec.ordinals?.start ?? 0)
    const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
    const { updateRevision, observedGeneration } = set.status
    if (index < partition) this.#violated(`${name} was deleted, though it is below the partition ${partition}`)
    if (index < partition || observedGeneration !== set.metadata.generation) return
    if (pod.metadata.labels?.[REVISION_LABEL] === updateRevision)
      this.#violated(`${name} was deleted, though it is as it should be`)
    else if (isPodReady(before)) this.#checkBudget(state, name)
  }

  #checkScaleDown(set: StatefulSet, name: string, ordinal: number): void {
    if (set.spec.podManagementPolicy === 'Parallel') return
    for (const [other, pod] of this.#pods) {
      const isAbove = controllerOf(pod)?.uid === set.metadata.uid && ordinalOf(other) > ordinal
      if (isAbove && !this.#isInRange(set, ordinalOf(other)))
        this.#violated(`${name} was deleted for scaling down before ${other}`)
    }
  }

  #checkBudget({ set, inRollout }: SetState, name: string): void {
    inRollout.add(name)
    for (const other of inRollout) if (!this.#isInRange(set, ordinalOf(other))) inRollout.delete(other)
    const max = Number(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1)
    if (inRollout.size > max)
      this.#violated(`the rollout took ${[...inRollout].join(', ')} at a time, where maxUnavailable is ${max}`)
  }

  #noteHealth(name: string, pod: Pod | undefined): void {
    const nowMs = this.#now
    const health = this.#health.get(name) ?? {
      becameReadyMs: 0,
      lastReadyMs: -STALE_MS,
      isReady: false,
    }
    const isReady = pod !== undefined && isPodReady(pod) && !isPodTerminating(pod)
    if (isReady && !health.isReady) health.becameReadyMs = nowMs
    if (health.isReady) health.lastReadyMs = nowMs
    health.isReady = isReady
    this.#health.set(name, health)
  }
}

/** What the rules depend on; a new template alone suspends none of them. */
const shapeOf = ({ metadata, spec }: StatefulSet): string =>
  JSON.stringify([metadata.deletionTimestamp, spec.replicas, spec.ordinals, spec.minReadySeconds, spec.updateStrategy])

const ordinalOf = (name: string): number => Number(name.slice(name.lastIndexOf('-') + 1))
