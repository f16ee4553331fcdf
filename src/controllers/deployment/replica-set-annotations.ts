import type { Deployment, ReplicaSet } from '../../api/apps-v1/types.ts'
import type { Labels } from '../../machinery/selectors.ts'
import { surgeOf } from './rollout-limits.ts'

export const REVISION = 'deployment.kubernetes.io/revision'
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas'
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas'

/** They say something of one object only, so they are not copied from a Deployment to its ReplicaSets. */
const OWN = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
])

const isOwnAnnotation = (name: string): boolean => OWN.has(name)

/** The revision of a ReplicaSet; 0 when it has none yet. */
export function revisionOf({ metadata }: ReplicaSet | Deployment): number {
  const text = metadata.annotations?.[REVISION] ?? ''
  return /^\d+$/.test(text) ? Number(text) : 0
}

/** A number that an annotation holds; undefined when there is none that makes sense. */
export function countIn({ metadata }: ReplicaSet, annotation: string): number | undefined {
  const text = metadata.annotations?.[annotation] ?? ''
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/** How large the Deployment was when it last scaled this ReplicaSet. */
export const sizeAnnotations = (deployment: Deployment): Labels => {
  const replicas = deployment.spec.replicas ?? 1
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + surgeOf(deployment)) }
}

/** What the newest ReplicaSet bears: the Deployment's own annotations, its size, its revision and those it had before. */
export function annotationsOfNewest(
  deployment: Deployment,
  {
    existing,
    revision,
    withSize,
  }: { readonly existing?: ReplicaSet; readonly revision: number; readonly withSize: boolean },
): Labels {
  const old = existing?.metadata.annotations ?? {}
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !isOwnAnnotation(name))
  const previous = existing ? revisionOf(existing) : 0
  const isNewer = previous < revision
  const history = isNewer && previous > 0 ? [...(old[REVISION_HISTORY]?.split(',') ?? []), String(previous)] : undefined
  return {
    ...old,
    ...Object.fromEntries(copied),
    ...(isNewer && { [REVISION]: String(revision) }),
    ...(history && { [REVISION_HISTORY]: history.join(',') }),
    ...(withSize && sizeAnnotations(deployment)),
  }
}
