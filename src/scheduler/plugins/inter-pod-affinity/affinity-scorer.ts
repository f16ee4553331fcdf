import { type AffinityTerm, type NamespaceLabels, selectsPod } from '../../affinity-term.ts'
import type { ClusterState } from '../../cluster-state.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { Scorer } from '../../plugin.ts'
import type { CountByNode } from '../../pod-counts.ts'
import type { PodInfo } from '../../pod-info.ts'

/**
 * Weighs domains by what the Pod prefers of those there, and by what those there prefer of it. Machines between the
 * least and the most liked get their share of 100.
 */
export function affinityScorer(
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  { state, labelsOfNamespace }: { readonly state: ClusterState; readonly labelsOfNamespace: NamespaceLabels },
): Scorer | undefined {
  const scores = new DomainScores()
  for (const { term, weight } of pod.affinity.preferred) {
    scores.add(term, state.counts.byNode({ selections: [term.pods], withoutTerminating: false }), weight)
  }
  for (const { term, weight, byNode } of state.counts.scoringTerms) {
    if (selectsPod(term.pods, pod.pod, labelsOfNamespace)) scores.add(term, byNode, weight)
  }
  if (scores.isEmpty || nodes.length === 0) return undefined
  return { scoreOf: node => scores.of(node), normalize: normalizeBetweenExtremes }
}

class DomainScores {
  readonly #byKey = new Map<string, Map<string, number>>()

  get isEmpty(): boolean {
    return this.#byKey.size === 0
  }

  add({ topologyKey }: AffinityTerm, byNode: CountByNode, weight: number): void {
    for (const [{ labels }, count] of byNode) {
      const domain = labels[topologyKey]
      if (domain === undefined) continue
      let domains = this.#byKey.get(topologyKey)
      if (!domains) {
        domains = new Map()
        this.#byKey.set(topologyKey, domains)
      }
      domains.set(domain, (domains.get(domain) ?? 0) + weight * count)
    }
  }

  of({ labels }: NodeInfo): number {
    let score = 0
    for (const [topologyKey, domains] of this.#byKey) {
      const domain = labels[topologyKey]
      if (domain !== undefined) score += domains.get(domain) ?? 0
    }
    return score
  }
}

function normalizeBetweenExtremes(scores: Float64Array): void {
  let [min, max] = [scores[0]!, scores[0]!]
  for (const score of scores) {
    if (score < min) min = score
    if (score > max) max = score
  }
  for (let i = 0; i < scores.length; i++) {
    scores[i] = max === min ? 0 : Math.floor((100 * (scores[i]! - min)) / (max - min))
  }
}
