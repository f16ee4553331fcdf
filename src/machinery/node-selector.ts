import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../api/core-v1/types.ts'
import { type LabelRequirement, matchesLabels } from './selectors.ts'

/** A rule about machines, ready to be asked many times. */
export type NodeMatcher = (node: Node) => boolean

/** Any of the terms must hold, each with all of its expressions. A term without expressions holds nowhere. */
export function nodeSelectorMatcher({ nodeSelectorTerms }: NodeSelector): NodeMatcher {
  const terms = nodeSelectorTerms.map(nodeSelectorTermMatcher)
  return node => terms.some(matches => matches(node))
}

export function nodeSelectorTermMatcher({ matchExpressions, matchFields }: NodeSelectorTerm): NodeMatcher {
  const labels = (matchExpressions ?? []).map(labelRequirementOf)
  const fields = (matchFields ?? []).map(labelRequirementOf)
  if (labels.length + fields.length === 0) return () => false
  return ({ metadata }) =>
    matchesLabels(labels, metadata.labels) && matchesLabels(fields, { 'metadata.name': metadata.name })
}

/**
 * Where `nodeSelector` and the required node affinity of a Pod let it run; undefined when they leave it free. Both must
 * hold.
 */
export function requiredNodesOf({ nodeSelector, affinity }: PodSpec): NodeMatcher | undefined {
  const equalities = Object.entries(nodeSelector ?? {})
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (equalities.length === 0 && !required) return undefined
  const matchesAffinity = required ? nodeSelectorMatcher(required) : () => true
  return node => equalities.every(([key, value]) => node.metadata.labels?.[key] === value) && matchesAffinity(node)
}

const labelRequirementOf = ({ key, operator, values = [] }: NodeSelectorRequirement): LabelRequirement => ({
  key,
  operator,
  values,
})
