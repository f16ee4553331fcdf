import type { EventNote } from '../client/event-recorder.ts'
import type { ClusterEvent, ClusterEventKind } from './cluster-event.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** One concern of scheduling. All methods but those of a `Hold` are synchronous: a decision sees one state of the world. */
export interface Plugin {
  /** Upstream's name of it. */
  readonly name: string
  /** How much its scores count. Default 1. */
  readonly weight?: number
  /** False keeps the Pod out of the queue until the Pod itself changes. */
  admits?(pod: PodInfo): boolean
  /** Says once for each attempt where the Pod may run. Undefined: this plugin has nothing against any machine. */
  filterFor?(pod: PodInfo): Filter | undefined
  /** Called with the machines that passed. Undefined: they are all the same to this plugin. */
  scorerFor?(pod: PodInfo, nodes: readonly NodeInfo[]): Scorer | undefined
  /** Takes what the Pod needs besides room on the machine chosen, until it is bound or the hold is released. */
  reserve?(pod: PodInfo, node: NodeInfo): Hold | undefined
  /** More to tell the user than the reason does: which objects stand in the way, and where. */
  explain?(pod: PodInfo, refusal: Refusal): EventNote | undefined
  /** Tries to make room for a Pod that fits nowhere; what it did follows the message. The place of preemption. */
  makeRoom?(pod: PodInfo, refusal: Refusal): string | undefined
  /** Whether what happened may let a Pod pass that this plugin refused. Kinds that are not here never do. */
  readonly helpedBy?: {
    readonly [K in ClusterEventKind]?: (pod: PodInfo, event: ClusterEvent & { kind: K }) => boolean
  }
}

export type Filter =
  /** Nowhere, for this reason. */
  | { readonly kind: 'nowhere'; readonly reason: string }
  | {
      readonly kind: 'where'
      /** Why not on this machine; undefined when it may run there. Called for many machines: keep it cheap. */
      readonly refusalOf: (node: NodeInfo) => string | readonly string[] | undefined
      /** The only machines worth asking about, when few are: `refusalOf` refuses all others. */
      readonly among?: (node: NodeInfo) => boolean
    }

export interface Scorer {
  /** 0 to 100, unless `normalize` brings it there. */
  scoreOf(node: NodeInfo): number
  normalize?(scores: Float64Array): void
}

export interface Hold {
  /** Makes the world ready for the Pod, just before it is bound. Rejects when that fails. */
  fulfil?(signal: AbortSignal): Promise<void>
  /** Called once at the end, whether the Pod was bound or given up. */
  release(): void
}

/** Why no machine was found. */
export interface Refusal {
  readonly nodeCount: number
  /** One reason for the whole Pod. */
  readonly reason?: string
  /** Reasons against single machines, with the number of machines. */
  readonly counts: ReadonlyMap<string, number>
  /** A few machines for each of these reasons. */
  readonly examples: ReadonlyMap<string, readonly string[]>
  /** Names of the plugins that refused: their events can help. */
  readonly plugins: ReadonlySet<string>
}

/** Scales scores so that the highest becomes 100; `reversed` makes the highest 0. */
export function normalizeToHundred(scores: Float64Array, reversed = false): void {
  let max = 0
  for (const score of scores) if (score > max) max = score
  for (let i = 0; i < scores.length; i++) {
    const scaled = max === 0 ? 0 : Math.floor((100 * scores[i]!) / max)
    scores[i] = reversed ? 100 - scaled : scaled
  }
}
