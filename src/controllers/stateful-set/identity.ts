import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { Pod, PodTemplateSpec } from '../../api/core-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import { controllerReferenceTo } from '../../machinery/object.ts'
import { withClaimVolumes } from './storage.ts'

export const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name'
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index'
export const REVISION_LABEL = 'controller-revision-hash'
const ORDINAL_MAX = 2 ** 31 - 1
const DIGITS = /^[0-9]+$/

export const replicasOf = ({ spec }: StatefulSet): number => spec.replicas ?? 1

/** The ordinal of the first Pod (I1). */
export const startOf = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0

export const podNameOf = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`

/** Name of the set and ordinal as a Pod's name tells them; ordinal −1 when it tells none (I2). */
export function parentAndOrdinalOf(podName: string): { readonly parent: string; readonly ordinal: number } {
  const dash = podName.lastIndexOf('-')
  const digits = podName.slice(dash + 1)
  if (dash < 0 || !DIGITS.test(digits)) return { parent: '', ordinal: -1 }
  const ordinal = Number(digits)
  return { parent: podName.slice(0, dash), ordinal: ordinal <= ORDINAL_MAX ? ordinal : -1 }
}

export const ordinalOf = ({ metadata }: Pod): number => parentAndOrdinalOf(metadata.name).ordinal

/** By the name alone: whether this could be a Pod of the set. */
export const isNamedAfter = (set: StatefulSet, { metadata }: Pod): boolean =>
  parentAndOrdinalOf(metadata.name).parent === set.metadata.name

/** Whether the ordinal belongs to one of the replicas that the set asks for (I1). */
export function isInRange(set: StatefulSet, ordinal: number): boolean {
  const start = startOf(set)
  return ordinal >= start && ordinal < start + replicasOf(set)
}

export const revisionOf = ({ metadata }: Pod): string | undefined => metadata.labels?.[REVISION_LABEL]

/** A Pod as it is created: the revision's template with its name, address and disks (I3–I5, S6). */
export function newPod(
  set: StatefulSet,
  { ordinal, revision, template }: { ordinal: number; revision: string; template: PodTemplateSpec },
): Unsaved<Pod> {
  const name = podNameOf(set, ordinal)
  const { labels, annotations, finalizers } = template.metadata ?? {}
  const { volumes: templateVolumes, subdomain: _, ...spec } = { containers: [], ...template.spec }
  const volumes = withClaimVolumes(set, ordinal, templateVolumes)
  return {
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      labels: { ...labels, ...identityLabels(name, ordinal), [REVISION_LABEL]: revision },
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReferenceTo(set)],
    },
    spec: {
      ...spec,
      ...(volumes.length > 0 && { volumes }),
      hostname: name,
      ...(set.spec.serviceName && { subdomain: set.spec.serviceName }),
    },
  }
}

const identityLabels = (name: string, ordinal: number) => ({
  [POD_NAME_LABEL]: name,
  [POD_INDEX_LABEL]: String(ordinal),
})

/** Whether the Pod still says who it is. The index label is not part of it (I7, I8). */
export function hasIdentity(set: StatefulSet, pod: Pod): boolean {
  const { name, namespace, labels } = pod.metadata
  const { parent, ordinal } = parentAndOrdinalOf(name)
  return (
    parent === set.metadata.name &&
    ordinal >= 0 &&
    name === podNameOf(set, ordinal) &&
    namespace === set.metadata.namespace &&
    labels?.[POD_NAME_LABEL] === name
  )
}

/** The Pod with its identity labels written anew; nothing else is ever repaired (I8, I9). */
export function withIdentity(pod: Pod): Pod {
  const labels = { ...pod.metadata.labels, ...identityLabels(pod.metadata.name, ordinalOf(pod)) }
  return { ...pod, metadata: { ...pod.metadata, labels } }
}
