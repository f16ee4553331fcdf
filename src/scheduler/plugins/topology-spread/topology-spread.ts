import { deepEqual } from 'fast-equals'
import { selectsPod } from '../../affinity-term.ts'
import type { ClusterState } from '../../cluster-state.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { Plugin } from '../../plugin.ts'
import type { CountByNode } from '../../pod-counts.ts'
import type { PodInfo } from '../../pod-info.ts'
import type { GroupOf } from './pod-group.ts'
import { constraintsOf, type SpreadConstraint } from './spread-constraint.ts'
import { spreadScorer } from './spread-scorer.ts'

const SKEWED = "node(s) didn't match pod topology spread constraints"
const NO_DOMAIN = "node(s) didn't match pod topology spread constraints (missing required label)"

/** Spreads Pods evenly over domains: strictly (`DoNotSchedule`) or as well as possible (`ScheduleAnyway`). */
export function topologySpread(state: ClusterState, groupOf: GroupOf): Plugin {
  return {
    name: 'PodTopologySpread',
    weight: 2,
    filterFor({ pod }) {
      const constraints = constraintsOf(pod, 'DoNotSchedule')
      if (constraints.length === 0) return undefined
      const limits = spreadLimits(state, constraints)
      return { kind: 'where', refusalOf: node => refusal(node, limits) }
    },
    scorerFor: (pod, nodes) => spreadScorer(pod, nodes, { state, groupOf }),
    helpedBy: {
      nodeChanged: (_pod, { node, previous }) => !previous || isDomainNew(node, previous),
      nodeRemoved: () => true, // A domain with few Pods may have gone.
      podPlaced: (pod, { pod: placed }) => isCounted(pod, placed),
      podChanged: (pod, { pod: changed, previous }) => isCounted(pod, changed) || isCounted(pod, previous),
      podRemoved: (pod, { pod: removed }) => isCounted(pod, removed),
    },
  }
}

const isDomainNew = ({ labels, node }: NodeInfo, previous: NonNullable<NodeInfo['node']>): boolean =>
  !deepEqual(labels, previous.metadata.labels ?? {}) || !deepEqual(node?.spec?.taints, previous.spec?.taints)

const isCounted = ({ pod }: PodInfo, other: PodInfo): boolean =>
  constraintsOf(pod, 'DoNotSchedule').some(({ pods }) => selectsPod(pods, other.pod, () => undefined))

interface Limit {
  readonly topologyKey: string
  readonly counts: ReadonlyMap<string, number>
  /** Pods that a domain may hold before this one comes. */
  readonly countMax: number
}

/** Only machines that have the topology keys of all constraints take part. */
function spreadLimits(state: ClusterState, constraints: readonly SpreadConstraint[]): readonly Limit[] {
  const keys = constraints.map(({ topologyKey }) => topologyKey)
  return constraints.map(constraint => {
    const { topologyKey, maxSkew, countsItself } = constraint
    const byNode = state.counts.byNode({ selections: [constraint.pods], withoutTerminating: true })
    const counts = countsByDomain(byNode, constraint, keys)
    const least = leastOf(counts, constraint, domainCount(state, constraint, keys))
    return { topologyKey, counts, countMax: least + maxSkew - Number(countsItself) }
  })
}

const takesPart = ({ labels }: NodeInfo, keys: readonly string[]): boolean =>
  keys.every(key => labels[key] !== undefined)

/** Pods in each domain that holds any. */
function countsByDomain(
  byNode: CountByNode,
  { topologyKey, isEligible }: SpreadConstraint,
  keys: readonly string[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const [node, count] of byNode) {
    if (!node.node || !takesPart(node, keys) || isEligible?.(node) === false) continue
    const domain = node.labels[topologyKey]!
    counts.set(domain, (counts.get(domain) ?? 0) + count)
  }
  return counts
}

function domainCount(
  state: ClusterState,
  { topologyKey, isEligible }: SpreadConstraint,
  keys: readonly string[],
): number {
  if (!isEligible) return state.domainsOf(keys).get(topologyKey)!.size
  const domains = new Set<string>()
  for (const node of state.nodes) if (takesPart(node, keys) && isEligible(node)) domains.add(node.labels[topologyKey]!)
  return domains.size
}

/** With fewer domains than wanted the least count is 0, so that more domains come into use (KEP-3022). */
function leastOf(counts: ReadonlyMap<string, number>, { minDomains }: SpreadConstraint, domains: number): number {
  if (domains === 0 || domains < minDomains || counts.size < domains) return 0
  let least = Number.POSITIVE_INFINITY
  for (const count of counts.values()) if (count < least) least = count
  return least
}

function refusal({ labels }: NodeInfo, limits: readonly Limit[]): string | undefined {
  for (const { topologyKey, counts, countMax } of limits) {
    const domain = labels[topologyKey]
    if (domain === undefined) return NO_DOMAIN
    if ((counts.get(domain) ?? 0) > countMax) return SKEWED
  }
  return undefined
}
