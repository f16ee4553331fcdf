import type { Deployment, ReplicaSet } from '../../api/apps-v1/types.ts'
import type { PodTemplateSpec } from '../../api/core-v1/types.ts'
import { revisionDataOf } from '../revisions/revision-data.ts'
import { revisionHashOf } from '../revisions/revision-hash.ts'
import { byCreation } from './plan-rolling-update.ts'

export const POD_TEMPLATE_HASH = 'pod-template-hash'

/**
 * The hash that names a ReplicaSet and tells its Pods from those of others. Upstream hashes the memory image of the
 * template in its own language; ours is of the canonical text, so the values differ from upstream's.
 */
export const podTemplateHashOf = ({ spec, status }: Deployment): string =>
  revisionHashOf(textOf(spec.template), status.collisionCount)

const textOf = (template: PodTemplateSpec): string => revisionDataOf(template).text

export function isSameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return textOf(withoutHash(a ?? {})) === textOf(withoutHash(b ?? {}))
}

function withoutHash({ metadata, ...rest }: PodTemplateSpec): PodTemplateSpec {
  const { [POD_TEMPLATE_HASH]: _, ...labels } = metadata?.labels ?? {}
  return { ...rest, metadata: { ...metadata, labels } }
}

/** The ReplicaSet of the Deployment's template: of several the one made first. */
export const newestOf = ({ spec }: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined =>
  [...sets].sort(byCreation).find(set => isSameTemplate(set.spec.template, spec.template))
