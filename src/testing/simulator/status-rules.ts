import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import type { Clock } from '../../machinery/clock.ts'
import { isPodReady, isPodTerminating } from '../../machinery/pod-state.ts'
import type { Change } from './store-truth.ts'

/** A truth so old may still stand in somebody's cache. */
const STALE_MS = 15_000
/** Times are whole seconds, and clocks of machines differ. */
const CLOCK_TOLERANCE_MS = 4000
/** After a restart of the server one watch may be back so much sooner than another. */
const WATCHES_APART_MS = 1000
const REVISION_LABEL = 'controller-revision-hash'

/** A time in which something was so; without an end while it still is. */
interface Span {
  readonly fromMs: number
  toMs: number
}

/** Counters of status may be late, never invented: each was true not long ago (T3–T6). */
export class StatusRules {
  readonly #clock: Clock
  readonly #violated: (text: string) => void
  /** By name of a Pod, then by what was so of it. */
  readonly #spans = new Map<string, Map<string, Span[]>>()

  constructor(clock: Clock, violated: (text: string) => void) {
    this.#clock = clock
    this.#violated = violated
  }

  podChanged({ type, object: pod }: Change<Pod>): void {
    const { name } = pod.metadata
    const known = this.#spans.get(name) ?? new Map<string, Span[]>()
    this.#spans.set(name, known)
    const facts = new Set(type === 'deleted' ? [] : factsOf(pod))
    for (const fact of new Set([...known.keys(), ...facts])) {
      known.set(fact, this.#continued(known.get(fact) ?? [], facts.has(fact)))
    }
  }

  /** Looks once every watch has told of this moment, since they are not in step; and not later, as the truth goes on changing. */
  setChanged({ type, object, previous }: Change<StatefulSet>): void {
    if (type === 'deleted' || object.status === previous?.status) return
    this.#clock.schedule(WATCHES_APART_MS, () => this.#check(object))
  }

  #continued(spans: readonly Span[], isSo: boolean): Span[] {
    const nowMs = this.#clock.monotonicMs()
    const recent = spans.filter(({ toMs }) => toMs > nowMs - STALE_MS)
    const open = recent.find(({ toMs }) => toMs === Number.POSITIVE_INFINITY)
    if (isSo && !open) return [...recent, { fromMs: nowMs, toMs: Number.POSITIVE_INFINITY }]
    if (!isSo && open) open.toMs = nowMs
    return recent
  }

  /** Pods of the set of which this was so not long ago, and for so long. */
  #count({ metadata }: StatefulSet, fact: string, forMs = 0): number {
    const nowMs = this.#clock.monotonicMs()
    const wasSo = ({ fromMs, toMs }: Span): boolean =>
      toMs > nowMs - STALE_MS && Math.min(toMs, nowMs) - fromMs >= forMs
    const own = [...this.#spans].filter(([name]) => name.startsWith(`${metadata.name}-`))
    return own.filter(([, facts]) => facts.get(fact)?.some(wasSo)).length
  }

  #check(set: StatefulSet): void {
    const { metadata, spec, status } = set
    const { currentRevision, updateRevision, currentReplicas, updatedReplicas } = status
    const availableMs = (spec.minReadySeconds ?? 0) * 1000 - CLOCK_TOLERANCE_MS
    const truths = [
      { said: status.replicas, what: 'Pods', truth: this.#count(set, 'there') },
      { said: status.readyReplicas, what: 'ready Pods', truth: this.#count(set, 'ready') },
      { said: status.availableReplicas, what: 'available Pods', truth: this.#count(set, 'ready', availableMs) },
      { said: currentReplicas, what: `Pods at ${currentRevision}`, truth: this.#count(set, `at ${currentRevision}`) },
      { said: updatedReplicas, what: `Pods at ${updateRevision}`, truth: this.#count(set, `at ${updateRevision}`) },
    ]
    for (const { said = 0, what, truth } of truths) {
      if (said > truth) this.#violated(`${metadata.name} says ${said} ${what}; there are ${truth}`)
    }
  }
}

/** What counters count: a Pod that is on its way out may be ready still, but is at no revision any more (T4, T6). */
const factsOf = (pod: Pod): readonly string[] => [
  'there',
  ...(isPodReady(pod) ? ['ready'] : []),
  ...(isPodTerminating(pod) ? [] : [`at ${pod.metadata.labels?.[REVISION_LABEL]}`]),
]
