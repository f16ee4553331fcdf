import { deepEqual } from 'fast-equals'
import { type AffinityTerm, type NamespaceLabels, selectsPod } from '../../affinity-term.ts'
import type { ClusterState } from '../../cluster-state.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { Plugin } from '../../plugin.ts'
import type { CountByNode } from '../../pod-counts.ts'
import type { PodInfo } from '../../pod-info.ts'
import { affinityScorer } from './affinity-scorer.ts'

const AFFINITY = "node(s) didn't match pod affinity rules"
const ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
const EXISTING_ANTI_AFFINITY = "node(s) didn't satisfy existing pods anti-affinity rules"

/** How many Pods that matter each domain of a topology key holds. */
interface Domains {
  readonly topologyKey: string
  readonly counts: ReadonlyMap<string, number>
}

/** Keeps Pods near others or apart from them, within a machine, a zone or any other domain that labels make. */
export function interPodAffinity(state: ClusterState, labelsOfNamespace: NamespaceLabels): Plugin {
  return {
    name: 'InterPodAffinity',
    weight: 2,
    filterFor(pod) {
      const forbidden = domainsClosedTo(pod, { state, labelsOfNamespace })
      const { required, requiredAnti } = pod.affinity
      if (forbidden.length === 0 && required.length === 0 && requiredAnti.length === 0) return undefined
      const near = required.length === 0 ? () => true : nearEnough(pod, { state, labelsOfNamespace })
      const apart = requiredAnti.map(term => ({
        topologyKey: term.topologyKey,
        counts: countsByDomain(countOf(state, [term]), term.topologyKey),
      }))
      return {
        kind: 'where',
        refusalOf(node) {
          if (!near(node)) return AFFINITY
          if (apart.some(domains => isInhabited(domains, node))) return ANTI_AFFINITY
          return forbidden.some(domains => isInhabited(domains, node)) ? EXISTING_ANTI_AFFINITY : undefined
        },
      }
    },
    scorerFor: (pod, nodes) => affinityScorer(pod, nodes, { state, labelsOfNamespace }),
    helpedBy: {
      // New, or in other domains than before.
      nodeChanged: (_pod, { node, previous }) => !deepEqual(node.labels, previous?.metadata.labels ?? {}),
      nodeRemoved: (_pod, { node }) => node.pods.size > 0,
      podPlaced: (pod, { pod: placed }) => isWanted(pod, placed, labelsOfNamespace),
      podChanged: (pod, { pod: placed, previous }) =>
        isWanted(pod, placed, labelsOfNamespace) || mayHinder(pod, previous),
      podRemoved: (pod, { pod: removed }) => mayHinder(pod, removed),
      namespaceChanged: ({ affinity }) =>
        [...affinity.required, ...affinity.requiredAnti].some(({ pods }) => pods.namespaceLabels !== undefined),
    },
  }

  function mayHinder(pod: PodInfo, other: PodInfo): boolean {
    const selects = ({ pods }: AffinityTerm, one: PodInfo): boolean => selectsPod(pods, one.pod, labelsOfNamespace)
    if (pod.affinity.requiredAnti.some(term => selects(term, other))) return true
    if (other.affinity.requiredAnti.some(term => selects(term, pod))) return true
    // Once nobody is left whom it wants to be near, the first of a group may go anywhere.
    return pod.affinity.required.some(term => selects(term, other))
  }
}

const countOf = (state: ClusterState, terms: readonly AffinityTerm[]): CountByNode =>
  state.counts.byNode({ selections: terms.map(({ pods }) => pods), withoutTerminating: false })

function countsByDomain(byNode: CountByNode, topologyKey: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const [{ labels }, count] of byNode) {
    const domain = labels[topologyKey]
    if (domain !== undefined) counts.set(domain, (counts.get(domain) ?? 0) + count)
  }
  return counts
}

function isInhabited({ topologyKey, counts }: Domains, { labels }: NodeInfo): boolean {
  const domain = labels[topologyKey]
  return domain !== undefined && counts.has(domain)
}

interface World {
  readonly state: ClusterState
  readonly labelsOfNamespace: NamespaceLabels
}

/** Domains where a Pod is whose anti-affinity means this one. */
function domainsClosedTo({ pod }: PodInfo, { state, labelsOfNamespace }: World): Domains[] {
  const closed: Domains[] = []
  for (const { term, byNode } of state.counts.antiTerms) {
    if (!selectsPod(term.pods, pod, labelsOfNamespace)) continue
    const counts = countsByDomain(byNode, term.topologyKey)
    if (counts.size > 0) closed.push({ topologyKey: term.topologyKey, counts })
  }
  return closed
}

/**
 * Every term needs a Pod that all terms mean in the machine's domain. The first Pod of a group that wants to be near
 * itself may go anywhere, or it could never start.
 */
function nearEnough(pod: PodInfo, { state, labelsOfNamespace }: World): (node: NodeInfo) => boolean {
  const terms = pod.affinity.required
  const byNode = countOf(state, terms)
  const domains = terms.map(({ topologyKey }) => ({ topologyKey, counts: countsByDomain(byNode, topologyKey) }))
  const isFirst =
    domains.every(({ counts }) => counts.size === 0) &&
    terms.every(({ pods }) => selectsPod(pods, pod.pod, labelsOfNamespace))
  if (isFirst) return ({ labels }) => terms.every(({ topologyKey }) => labels[topologyKey] !== undefined)
  return node => domains.every(each => isInhabited(each, node))
}

const isWanted = ({ affinity }: PodInfo, placed: PodInfo, labelsOfNamespace: NamespaceLabels): boolean =>
  affinity.required.length > 0 && affinity.required.every(({ pods }) => selectsPod(pods, placed.pod, labelsOfNamespace))
