import type { Pod, TopologySpreadConstraint } from '../../../api/core-v1/types.ts'
import { type NodeMatcher, requiredNodesOf } from '../../../machinery/node-selector.ts'
import { matchesLabels, type Requirements, requirementsOf } from '../../../machinery/selectors.ts'
import { untoleratedTaint } from '../../../machinery/taints.ts'
import { likeOwnLabels, type PodSelection, podSelection } from '../../affinity-term.ts'
import { HOSTNAME_LABEL, ZONE_LABEL } from '../../cluster-state.ts'
import type { NodeInfo } from '../../node-info.ts'

/** One constraint of a Pod, ready to be counted. */
export interface SpreadConstraint {
  readonly topologyKey: string
  readonly maxSkew: number
  readonly minDomains: number
  readonly pods: PodSelection
  /** The Pod itself will be one of those counted. */
  readonly countsItself: boolean
  /** Whether the machine's Pods count, and the machine's domain with them. Undefined: always. */
  readonly isEligible: ((node: NodeInfo) => boolean) | undefined
}

/** What Pods without constraints of their own get, if they belong together: soft, by machine and by zone. */
const DEFAULT_CONSTRAINTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME_LABEL, maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: ZONE_LABEL, maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
]

export type WhenUnsatisfiable = TopologySpreadConstraint['whenUnsatisfiable']

export function constraintsOf(pod: Pod, when: WhenUnsatisfiable): readonly SpreadConstraint[] {
  const declared = (pod.spec.topologySpreadConstraints ?? []).filter(each => each.whenUnsatisfiable === when)
  if (declared.length === 0) return []
  const required = requiredNodesOf(pod.spec)
  return declared.map(constraint => {
    const labels = constraint.labelSelector && [
      ...requirementsOf(constraint.labelSelector),
      ...likeOwnLabels(pod.metadata.labels, constraint.matchLabelKeys, 'In'),
    ]
    return compiled(constraint, { pod, labels, required })
  })
}

/** The default constraints over the Pods that `labels` select: those of the same Service, set or ReplicaSet. */
export function defaultConstraintsOf(pod: Pod, labels: Requirements): readonly SpreadConstraint[] {
  const required = requiredNodesOf(pod.spec)
  return DEFAULT_CONSTRAINTS.map(constraint => compiled(constraint, { pod, labels, required }))
}

interface Meaning {
  readonly pod: Pod
  readonly labels: Requirements | undefined
  readonly required: NodeMatcher | undefined
}

function compiled(constraint: TopologySpreadConstraint, { pod, labels, required }: Meaning): SpreadConstraint {
  const { topologyKey, maxSkew, minDomains = 1, nodeAffinityPolicy, nodeTaintsPolicy } = constraint
  const asksAffinity = required !== undefined && nodeAffinityPolicy !== 'Ignore'
  const asksTaints = nodeTaintsPolicy === 'Honor'
  return {
    topologyKey,
    maxSkew,
    minDomains,
    pods: podSelection({ labels, namespaces: [pod.metadata.namespace], namespaceLabels: undefined }),
    countsItself: labels !== undefined && matchesLabels(labels, pod.metadata.labels),
    isEligible:
      asksAffinity || asksTaints
        ? ({ node, taints }) =>
            (!asksAffinity || required(node!)) && (!asksTaints || !untoleratedTaint(taints, pod.spec.tolerations))
        : undefined,
  }
}
