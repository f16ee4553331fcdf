import type { ClusterState } from '../../cluster-state.ts'
import { HOSTNAME_LABEL } from '../../cluster-state.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { Scorer } from '../../plugin.ts'
import type { CountByNode } from '../../pod-counts.ts'
import type { PodInfo } from '../../pod-info.ts'
import type { GroupOf } from './pod-group.ts'
import { constraintsOf, defaultConstraintsOf, type SpreadConstraint } from './spread-constraint.ts'

interface Weighed {
  readonly constraint: SpreadConstraint
  readonly counts: CountByNode
  readonly domains: ReadonlyMap<string, number>
  /** Raises the worth of a difference in a topology of many domains, where counts are small. */
  readonly weight: number
}

/** Prefers domains with few of the Pods that the soft constraints count. Undefined when there is no such constraint. */
export function spreadScorer(
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  { state, groupOf }: { readonly state: ClusterState; readonly groupOf: GroupOf },
): Scorer | undefined {
  const { constraints, asksAllKeys } = softConstraintsOf(pod, groupOf)
  if (constraints.length === 0) return undefined
  const weighed = constraints.map(constraint => weigh(constraint, { nodes, state }))
  return {
    scoreOf(node) {
      if (asksAllKeys && !hasAllKeys(node, constraints)) return Number.NaN // It takes no part.
      return Math.round(weighed.reduce((sum, each) => sum + crowding(node, each), 0))
    },
    normalize: preferUncrowded,
  }
}

const hasAllKeys = ({ labels }: NodeInfo, constraints: readonly SpreadConstraint[]): boolean =>
  constraints.every(({ topologyKey }) => labels[topologyKey] !== undefined)

function softConstraintsOf(
  info: PodInfo,
  groupOf: GroupOf,
): { readonly constraints: readonly SpreadConstraint[]; readonly asksAllKeys: boolean } {
  const { pod } = info
  if ((pod.spec.topologySpreadConstraints ?? []).length > 0) {
    return { constraints: constraintsOf(pod, 'ScheduleAnyway'), asksAllKeys: true }
  }
  const group = groupOf(info)
  return { constraints: group ? defaultConstraintsOf(pod, group) : [], asksAllKeys: false }
}

function weigh(
  constraint: SpreadConstraint,
  { nodes, state }: { readonly nodes: readonly NodeInfo[]; readonly state: ClusterState },
): Weighed {
  const { topologyKey, pods } = constraint
  const counts = state.counts.byNode({ selections: [pods], withoutTerminating: true })
  if (topologyKey === HOSTNAME_LABEL) {
    return { constraint, counts, domains: new Map(), weight: Math.log(nodes.length + 2) }
  }
  const domains = new Map<string, number>()
  for (const { labels } of nodes) {
    const domain = labels[topologyKey]
    if (domain !== undefined) domains.set(domain, 0)
  }
  for (const [node, count] of counts) {
    const domain = node.labels[topologyKey]
    const known = domain === undefined ? undefined : domains.get(domain)
    if (known !== undefined && node.node && (constraint.isEligible?.(node) ?? true)) domains.set(domain!, known + count)
  }
  return { constraint, counts, domains, weight: Math.log(domains.size + 2) }
}

function crowding(node: NodeInfo, { constraint, counts, domains, weight }: Weighed): number {
  const { topologyKey, maxSkew } = constraint
  const domain = node.labels[topologyKey]
  if (domain === undefined) return 0
  const count = topologyKey === HOSTNAME_LABEL ? (counts.get(node) ?? 0) : (domains.get(domain) ?? 0)
  return count * weight + (maxSkew - 1)
}

function preferUncrowded(scores: Float64Array): void {
  let [min, max] = [Number.POSITIVE_INFINITY, 0]
  for (const score of scores) {
    if (score < min) min = score
    if (score > max) max = score
  }
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) scores[i] = 0
    else scores[i] = max === 0 ? 100 : Math.floor((100 * (max + min - scores[i]!)) / max)
  }
}
