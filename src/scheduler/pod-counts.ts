import { type AffinityTerm, type NamespaceLabels, type PodSelection, selectsPod } from './affinity-term.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** Questions whose answers are kept. Beyond it the one asked least recently is counted anew when asked again. */
const COUNTERS_MAX = 2048

/** A number for each machine that is not zero. */
export type CountByNode = ReadonlyMap<NodeInfo, number>

/** Which Pods are counted: those that every selection selects. */
export interface PodQuestion {
  readonly selections: readonly PodSelection[]
  /** Pods on their way out count as gone. */
  readonly withoutTerminating: boolean
}

interface Counter {
  readonly question: PodQuestion
  readonly byNode: Map<NodeInfo, number>
}

interface Held {
  readonly term: AffinityTerm
  readonly weight: number
  readonly byNode: Map<NodeInfo, number>
}

/**
 * Answers "how many such Pods are on each machine" without looking at all Pods: a question is counted once when first
 * asked, then kept right with every Pod that comes or goes. Also knows which affinity terms the placed Pods hold.
 */
export class PodCounts {
  readonly #labelsOfNamespace: NamespaceLabels
  readonly #placed: () => Iterable<{ readonly info: PodInfo; readonly node: NodeInfo }>
  readonly #counters = new Map<string, Counter>()
  readonly #antiTerms = new Map<string, Held>()
  readonly #scoringTerms = new Map<string, Held>()

  constructor(options: {
    readonly labelsOfNamespace: NamespaceLabels
    readonly placed: () => Iterable<{ readonly info: PodInfo; readonly node: NodeInfo }>
  }) {
    this.#labelsOfNamespace = options.labelsOfNamespace
    this.#placed = options.placed
  }

  /** Required anti-affinity that placed Pods hold against others. */
  get antiTerms(): Iterable<{ readonly term: AffinityTerm; readonly byNode: CountByNode }> {
    return this.#antiTerms.values()
  }

  /** What placed Pods prefer of newcomers; their required affinity counts as a preference of weight 1. */
  get scoringTerms(): Iterable<{ readonly term: AffinityTerm; readonly weight: number; readonly byNode: CountByNode }> {
    return this.#scoringTerms.values()
  }

  byNode(question: PodQuestion): CountByNode {
    const signature = `${question.withoutTerminating}|${question.selections.map(each => each.signature).join('&')}`
    let counter = this.#counters.get(signature)
    if (counter) this.#counters.delete(signature)
    else counter = this.#counted(question)
    this.#counters.set(signature, counter)
    if (this.#counters.size > COUNTERS_MAX) this.#counters.delete(this.#counters.keys().next().value!)
    return counter.byNode
  }

  add(info: PodInfo, node: NodeInfo): void {
    this.#change(info, node, 1)
  }

  remove(info: PodInfo, node: NodeInfo): void {
    this.#change(info, node, -1)
  }

  /** Labels of a namespace changed: what was counted by them is no longer known. */
  forgetNamespaceLabels(): void {
    for (const [signature, { question }] of this.#counters) {
      if (question.selections.some(selection => selection.namespaceLabels)) this.#counters.delete(signature)
    }
  }

  #change(info: PodInfo, node: NodeInfo, sign: 1 | -1): void {
    for (const { question, byNode } of this.#counters.values()) {
      if (this.#isMeant(info, question)) addTo(byNode, node, sign)
    }
    const { required, requiredAnti, preferred } = info.affinity
    for (const term of requiredAnti) changeHeld(this.#antiTerms, { term, weight: 1, node, sign })
    for (const term of required) changeHeld(this.#scoringTerms, { term, weight: 1, node, sign })
    for (const { term, weight } of preferred) changeHeld(this.#scoringTerms, { term, weight, node, sign })
  }

  #counted(question: PodQuestion): Counter {
    const byNode = new Map<NodeInfo, number>()
    for (const { info, node } of this.#placed()) if (this.#isMeant(info, question)) addTo(byNode, node, 1)
    return { question, byNode }
  }

  #isMeant({ pod }: PodInfo, { selections, withoutTerminating }: PodQuestion): boolean {
    if (withoutTerminating && pod.metadata.deletionTimestamp) return false
    return selections.every(selection => selectsPod(selection, pod, this.#labelsOfNamespace))
  }
}

function changeHeld(
  held: Map<string, Held>,
  { term, weight, node, sign }: { term: AffinityTerm; weight: number; node: NodeInfo; sign: 1 | -1 },
): void {
  const key = `${weight}|${term.signature}`
  let entry = held.get(key)
  if (!entry) {
    entry = { term, weight, byNode: new Map() }
    held.set(key, entry)
  }
  addTo(entry.byNode, node, sign)
  if (entry.byNode.size === 0) held.delete(key)
}

function addTo(byNode: Map<NodeInfo, number>, node: NodeInfo, sign: 1 | -1): void {
  const count = (byNode.get(node) ?? 0) + sign
  if (count === 0) byNode.delete(node)
  else byNode.set(node, count)
}
