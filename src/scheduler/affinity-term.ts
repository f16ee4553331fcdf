import type { Pod, PodAffinityTerm } from '../api/core-v1/types.ts'
import {
  type LabelRequirement,
  type Labels,
  matchesLabels,
  type Requirements,
  requirementsOf,
  requirementsText,
} from '../machinery/selectors.ts'

/** One term of a Pod's affinity or anti-affinity, ready to be matched against other Pods. */
export interface AffinityTerm {
  readonly topologyKey: string
  readonly pods: PodSelection
  /** Terms of equal signature mean the same. */
  readonly signature: string
}

/** Which Pods are meant, wherever they run. */
export interface PodSelection {
  /** Undefined selects nothing. */
  readonly labels: Requirements | undefined
  readonly namespaces: readonly string[]
  /** Namespaces by their labels, beside those named. */
  readonly namespaceLabels: Requirements | undefined
  readonly signature: string
}

export interface WeightedTerm {
  readonly term: AffinityTerm
  /** Negative for anti-affinity. */
  readonly weight: number
}

export interface AffinityTerms {
  readonly required: readonly AffinityTerm[]
  readonly requiredAnti: readonly AffinityTerm[]
  readonly preferred: readonly WeightedTerm[]
}

const NO_TERMS: AffinityTerms = { required: [], requiredAnti: [], preferred: [] }

export function affinityTermsOf(pod: Pod): AffinityTerms {
  const { podAffinity: near, podAntiAffinity: apart } = pod.spec.affinity ?? {}
  if (!near && !apart) return NO_TERMS
  const compiled = (term: PodAffinityTerm): AffinityTerm => affinityTermOf(pod, term)
  return {
    required: (near?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compiled),
    requiredAnti: (apart?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compiled),
    preferred: [
      ...(near?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        ({ podAffinityTerm, weight }): WeightedTerm => ({ term: compiled(podAffinityTerm), weight }),
      ),
      ...(apart?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        ({ podAffinityTerm, weight }): WeightedTerm => ({ term: compiled(podAffinityTerm), weight: -weight }),
      ),
    ],
  }
}

function affinityTermOf({ metadata }: Pod, term: PodAffinityTerm): AffinityTerm {
  const { namespaces = [], namespaceSelector, topologyKey } = term
  const isOwnNamespaceOnly = namespaces.length === 0 && !namespaceSelector
  const labels = term.labelSelector && [
    ...requirementsOf(term.labelSelector),
    ...likeOwnLabels(metadata.labels, term.matchLabelKeys, 'In'),
    ...likeOwnLabels(metadata.labels, term.mismatchLabelKeys, 'NotIn'),
  ]
  const pods = podSelection({
    labels,
    namespaces: isOwnNamespaceOnly ? [metadata.namespace] : [...namespaces].sort(),
    namespaceLabels: namespaceSelector && requirementsOf(namespaceSelector),
  })
  return { topologyKey, pods, signature: `${topologyKey}|${pods.signature}` }
}

/** `matchLabelKeys` and the like: requirements made of the Pod's own labels (KEP-3633). Doubled ones do no harm. */
export const likeOwnLabels = (
  labels: Labels | undefined,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
): LabelRequirement[] =>
  (keys ?? []).flatMap(key => {
    const value = labels?.[key]
    return value === undefined ? [] : [{ key, operator, values: [value] }]
  })

export function podSelection(selection: Omit<PodSelection, 'signature'>): PodSelection {
  const { labels, namespaces, namespaceLabels } = selection
  const parts = [
    labels && requirementsText(labels),
    namespaces.join(','),
    namespaceLabels && requirementsText(namespaceLabels),
  ]
  return { ...selection, signature: parts.map(part => part ?? '-').join('|') }
}

/** Labels of a namespace by its name. */
export type NamespaceLabels = (namespace: string) => Labels | undefined

export const selectsPod = (
  { labels, namespaces, namespaceLabels }: PodSelection,
  { metadata }: Pod,
  labelsOfNamespace: NamespaceLabels,
): boolean =>
  labels !== undefined &&
  (namespaces.includes(metadata.namespace) ||
    (namespaceLabels !== undefined && matchesLabels(namespaceLabels, labelsOfNamespace(metadata.namespace)))) &&
  matchesLabels(labels, metadata.labels)
