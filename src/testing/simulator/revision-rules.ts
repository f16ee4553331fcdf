import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { controllerOf } from '../../machinery/object.ts'
import type { Change } from './store-truth.ts'

/** How long a truth may still stand in a cache. */
const STALE_MS = 15_000
const REVISION_LABEL = 'controller-revision-hash'

interface Known {
  /** The revision that each template has got. */
  readonly revisionOf: Map<string, string>
  /** The template of each generation, as text. */
  readonly templateAt: Map<number, string>
}

/** What revisions promise: one for each template, and a rollout is over only when no Pod of the old one is left. */
export class RevisionRules {
  readonly #now: () => number
  readonly #violated: (text: string) => void
  readonly #known = new Map<string, Known>()
  readonly #pods = new Map<string, { readonly pod: Pod; readonly sinceMs: number }>()
  readonly #held = new Map<string, string>()

  constructor(now: () => number, violated: (text: string) => void) {
    this.#now = now
    this.#violated = violated
  }

  /** The user holds the Pod by a finalizer: until it is let go it may not go, whoever waits for its name. */
  hold(uid: string, isHeld: boolean): void {
    if (isHeld) this.#held.set(uid, uid)
    else this.#held.delete(uid)
  }

  podChanged({ type, object: pod }: Change<Pod>): void {
    const { uid, name, labels } = pod.metadata
    if (type === 'deleted') {
      if (this.#held.has(uid)) this.#violated(`${name} is gone, though a finalizer holds it`)
      this.#pods.delete(uid)
      return
    }
    const known = this.#pods.get(uid)
    const isSame = known?.pod.metadata.labels?.[REVISION_LABEL] === labels?.[REVISION_LABEL]
    this.#pods.set(uid, { pod, sinceMs: isSame && known ? known.sinceMs : this.#now() })
  }

  setChanged({ type, object: set, previous }: Change<StatefulSet>): void {
    const { uid, generation = 0 } = set.metadata
    if (type === 'deleted') return void this.#known.delete(uid)
    const known = this.#known.get(uid) ?? { revisionOf: new Map(), templateAt: new Map() }
    this.#known.set(uid, known)
    known.templateAt.set(generation, JSON.stringify(set.spec.template))
    this.#checkRevision(set, known)
    const isOver = set.status?.currentRevision === set.status?.updateRevision
    const wasOver = previous?.status?.currentRevision === set.status?.currentRevision
    if (isOver && !wasOver && previous?.metadata.uid === uid) this.#checkCompletion(set)
  }

  /** Nothing but another template makes another revision (kubernetes/kubernetes#135017). */
  #checkRevision({ metadata: { name }, status }: StatefulSet, { revisionOf, templateAt }: Known): void {
    const { updateRevision, observedGeneration = 0 } = status ?? {}
    const template = templateAt.get(observedGeneration)
    if (!updateRevision || template === undefined) return
    const former = revisionOf.get(template)
    if (former !== undefined && former !== updateRevision)
      this.#violated(`${name} has a new revision, though nobody changed its template`)
    revisionOf.set(template, updateRevision)
  }

  /** As long as a Pod of the set stays at the old revision there is something that the partition holds back (#121534). */
  #checkCompletion(set: StatefulSet): void {
    const { name, uid } = set.metadata
    const start = set.spec.ordinals?.start ?? 0
    for (const { pod, sinceMs } of this.#pods.values()) {
      const ordinal = Number(pod.metadata.name.slice(pod.metadata.name.lastIndexOf('-') + 1))
      const isInRange = ordinal >= start && ordinal < start + (set.spec.replicas ?? 1)
      if (controllerOf(pod)?.uid !== uid || !isInRange || pod.metadata.deletionTimestamp) continue
      const isOld = pod.metadata.labels?.[REVISION_LABEL] !== set.status.updateRevision
      if (isOld && this.#now() - sinceMs > STALE_MS)
        this.#violated(`${name} says that its rollout is over, while ${pod.metadata.name} is at the old revision`)
    }
  }
}
