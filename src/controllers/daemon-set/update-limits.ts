import type { DaemonSet } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { scaledValueOf } from '../../machinery/int-or-string.ts'

export const REVISION_LABEL = 'controller-revision-hash'
const GENERATION_LABEL = 'pod-template-generation'
const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation'

export interface UpdateLimits {
  readonly surge: number
  readonly unavailable: number
}

export const isRollingUpdate = ({ spec }: DaemonSet): boolean => spec.updateStrategy?.type !== 'OnDelete'

/** Of the number of machines that shall have a Pod; percentages are rounded up. Both zero would never move. */
export function updateLimitsOf(set: DaemonSet, desired: number): UpdateLimits {
  if (!isRollingUpdate(set)) return { surge: 0, unavailable: 0 }
  const { maxSurge = 0, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {}
  const surge = scaledValueOf(maxSurge, { total: desired, round: 'up' })
  const unavailable = scaledValueOf(maxUnavailable, { total: desired, round: 'up' })
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable }
}

/** The labels that tell a Pod's revision: a bare hash, and the template generation where it is still kept. */
export function revisionLabels({ metadata }: DaemonSet, hash: string): { readonly [key: string]: string } {
  const generation = metadata.annotations?.[GENERATION_ANNOTATION]
  return { [REVISION_LABEL]: hash, ...(generation && { [GENERATION_LABEL]: generation }) }
}

/** Made from the current template. */
export function isUpdated({ metadata }: DaemonSet, pod: Pod, hash: string): boolean {
  const labels = pod.metadata.labels ?? {}
  const generation = metadata.annotations?.[GENERATION_ANNOTATION]
  return labels[REVISION_LABEL] === hash || (generation !== undefined && labels[GENERATION_LABEL] === generation)
}
