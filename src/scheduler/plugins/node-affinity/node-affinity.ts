import type { PodSpec } from '../../../api/core-v1/types.ts'
import { type NodeMatcher, nodeSelectorTermMatcher, requiredNodesOf } from '../../../machinery/node-selector.ts'
import type { NodeInfo } from '../../node-info.ts'
import { normalizeToHundred, type Plugin } from '../../plugin.ts'

const REASON = "node(s) didn't match Pod's node affinity/selector"

/** `nodeSelector` and node affinity: where a Pod may run, and where it had rather run. */
export const nodeAffinity: Plugin = {
  name: 'NodeAffinity',
  weight: 2,
  filterFor({ pod }) {
    const matches = requiredNodesOf(pod.spec)
    if (!matches) return undefined
    const names = namedNodesOf(pod.spec)
    return {
      kind: 'where',
      refusalOf: ({ node }) => (matches(node!) ? undefined : REASON),
      ...(names && { among: ({ name }) => names.has(name) }),
    }
  },
  scorerFor({ pod }) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    if (preferred.length === 0) return undefined
    const terms = preferred.map(({ weight, preference }) => ({ weight, matches: nodeSelectorTermMatcher(preference) }))
    return { scoreOf: node => sumOfMatching(terms, node), normalize: scores => normalizeToHundred(scores) }
  },
  helpedBy: {
    nodeChanged: ({ pod }, { node }) => requiredNodesOf(pod.spec)?.(node.node!) ?? true,
  },
}

const sumOfMatching = (
  terms: readonly { readonly weight: number; readonly matches: NodeMatcher }[],
  { node }: NodeInfo,
): number => terms.reduce((sum, { weight, matches }) => (matches(node!) ? sum + weight : sum), 0)

/** Pods of DaemonSets name their machine: when every term does, no other machine needs a look. */
function namedNodesOf({ affinity }: PodSpec): ReadonlySet<string> | undefined {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const names = new Set<string>()
  for (const { matchFields = [] } of terms) {
    const field = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')
    if (!field) return undefined
    for (const name of field.values ?? []) names.add(name)
  }
  return terms.length > 0 ? names : undefined
}
