import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { PersistentVolumeClaim, Pod, Volume } from '../../api/core-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'

type ClaimTemplate = Unsaved<PersistentVolumeClaim>

const templatesOf = ({ spec }: StatefulSet): readonly ClaimTemplate[] => spec.volumeClaimTemplates ?? []

const templateNameOf = ({ metadata }: ClaimTemplate): string => metadata.name ?? ''

/** `data-web-0` (S1). */
const claimNameOf = (set: StatefulSet, template: ClaimTemplate, ordinal: number): string =>
  `${templateNameOf(template)}-${set.metadata.name}-${ordinal}`

export const claimNamesOf = (set: StatefulSet, ordinal: number): readonly string[] =>
  templatesOf(set).map(template => claimNameOf(set, template, ordinal))

/** What the names of all claims of the set begin with; the ordinal follows. */
export const claimPrefixesOf = (set: StatefulSet): readonly string[] =>
  templatesOf(set).map(template => `${templateNameOf(template)}-${set.metadata.name}-`)

/** The claims that the Pod of this ordinal needs, as they are created when missing (S1, S2). */
export function newClaimsOf(set: StatefulSet, ordinal: number): readonly Unsaved<PersistentVolumeClaim>[] {
  return templatesOf(set).map(template => {
    const { labels, annotations } = template.metadata
    return {
      metadata: {
        name: claimNameOf(set, template, ordinal),
        namespace: set.metadata.namespace,
        labels: { ...labels, ...set.spec.selector.matchLabels },
        ...(annotations && { annotations }),
      },
      spec: template.spec,
    }
  })
}

/** Volumes of a Pod: one for each claim template, which replaces a volume of the same name; then the others (S6). */
export function withClaimVolumes(
  set: StatefulSet,
  ordinal: number,
  volumes: readonly Volume[] = [],
): readonly Volume[] {
  const claimed = templatesOf(set).map(template => ({
    name: templateNameOf(template),
    persistentVolumeClaim: { claimName: claimNameOf(set, template, ordinal) },
  }))
  const names = new Set(claimed.map(({ name }) => name))
  return [...claimed, ...volumes.filter(({ name }) => !names.has(name))]
}

/** Whether every claim template has its volume in the Pod. */
export function hasStorage(set: StatefulSet, pod: Pod, ordinal: number): boolean {
  const claimNames = new Map(
    (pod.spec.volumes ?? []).map(({ name, persistentVolumeClaim }) => [name, persistentVolumeClaim?.claimName]),
  )
  return templatesOf(set).every(
    template => claimNames.get(templateNameOf(template)) === claimNameOf(set, template, ordinal),
  )
}

export const withStorage = (set: StatefulSet, pod: Pod, ordinal: number): Pod => ({
  ...pod,
  spec: { ...pod.spec, volumes: withClaimVolumes(set, ordinal, pod.spec.volumes) },
})
