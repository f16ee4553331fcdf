import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../api/core-v1/types.ts'
import type { StorageClass } from '../api/storage-v1/types.ts'
import { nodeSelectorMatcher } from './node-selector.ts'
import { compareQuantities } from './quantity.ts'
import { type Labels, matchesLabels, requirementsOf } from './selectors.ts'

/** On a claim: binding is complete. Losing the volume from here on is a loss of data. */
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed'
/** On a claim or volume: the system, not the user, chose the other side. */
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller'
/** On a volume: the provisioner that made it. */
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'
/** On a claim: the machine for which to make the volume. */
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
/** On a claim: the provisioner that shall make its volume, under both names that provisioners look for. */
export const STORAGE_PROVISIONER = 'volume.kubernetes.io/storage-provisioner'
export const STORAGE_PROVISIONER_BETA = 'volume.beta.kubernetes.io/storage-provisioner'
export const IS_DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'
const STORAGE_CLASS_BETA = 'volume.beta.kubernetes.io/storage-class'
/** The provisioner of classes whose volumes are made by hand. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner'

/** The class that a claim or volume names; empty for none. */
export const storageClassOf = ({ metadata, spec }: PersistentVolumeClaim | PersistentVolume): string =>
  metadata.annotations?.[STORAGE_CLASS_BETA] ?? spec.storageClassName ?? ''

/** False for a claim made before there was a default class: it may still get one. */
export const namesStorageClass = ({ metadata, spec }: PersistentVolumeClaim): boolean =>
  metadata.annotations?.[STORAGE_CLASS_BETA] !== undefined || spec.storageClassName !== undefined

export const waitsForFirstConsumer = (storageClass: StorageClass | undefined): boolean =>
  storageClass?.volumeBindingMode === 'WaitForFirstConsumer'

/** Whether volumes of the class may be made for machines with these labels: any of its terms, and of it every expression. */
export function isWithinTopologies({ allowedTopologies = [] }: StorageClass, labels: Labels): boolean {
  if (allowedTopologies.length === 0) return true
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? '')),
  )
}

export const isBound = ({ metadata, spec }: PersistentVolumeClaim): boolean =>
  Boolean(spec.volumeName) && metadata.annotations?.[BIND_COMPLETED] !== undefined

/** The volume refers to this claim: by name when reserved by hand, and also by uid once bound. */
export function isReservedFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (!claimRef || claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false
  return !claimRef.uid || claimRef.uid === metadata.uid
}

/** Where a volume can be reached. */
export const isReachableFrom = ({ spec }: PersistentVolume, node: Node): boolean =>
  !spec.nodeAffinity?.required || nodeSelectorMatcher(spec.nodeAffinity.required)(node)

export const requestedStorage = ({ spec }: PersistentVolumeClaim): string | number =>
  spec.resources?.requests?.storage ?? 0

const capacityOf = ({ spec }: PersistentVolume): string | number => spec.capacity?.storage ?? 0

/** Directories of volumes made by hand that `Delete` may remove: below /tmp, as upstream has it. */
export const isRemovableHostPath = (path: string): boolean =>
  path.startsWith('/tmp/') &&
  path
    .split('/')
    .slice(2)
    .every(part => part !== '' && part !== '.' && part !== '..')

/** Why this volume cannot serve this claim, in upstream's words; undefined when it can. */
export function volumeMismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantities(capacityOf(volume), requestedStorage(claim)) < 0) return 'requested PV is too small'
  return volumeMismatchBesidesSize(volume, claim)
}

/** The same, for callers that have compared the sizes already. */
export function volumeMismatchBesidesSize(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (storageClassOf(volume) !== storageClassOf(claim)) return 'storageClassName does not match'
  if ((volume.spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) {
    return 'incompatible volumeMode'
  }
  if (!offersAccessModes(volume, claim)) return 'incompatible accessMode'
  if ((volume.spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? '')) {
    return 'volumeAttributesClassName does not match'
  }
  return undefined
}

function offersAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every(mode => volume.spec.accessModes?.includes(mode))
}

export interface VolumeSearch {
  /** Only volumes that this machine can reach. Without it, affinity of volumes is not looked at. */
  readonly node?: Node
  /** Volumes that are promised to others although they do not say so yet. */
  readonly isTaken?: (volume: PersistentVolume) => boolean
  /** Only volumes already reserved for the claim: the scheduler will choose among the free ones. */
  readonly reservedOnly?: boolean
}

/** The volume reserved for the claim, else the smallest free one that fits. Equal sizes: the first in the list. */
export function findMatchingVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { node, isTaken, reservedOnly = false }: VolumeSearch = {},
): PersistentVolume | undefined {
  const requirements = claim.spec.selector && requirementsOf(claim.spec.selector)
  let best: PersistentVolume | undefined
  for (const volume of volumes) {
    if (isReservedFor(volume, claim)) {
      if (compareQuantities(capacityOf(volume), requestedStorage(claim)) < 0) continue
      if ((volume.spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) continue
      return node && !isReachableFrom(volume, node) ? undefined : volume
    }
    if (reservedOnly || volume.spec.claimRef || volume.metadata.deletionTimestamp) continue
    if (volume.status.phase !== 'Available' || isTaken?.(volume)) continue
    if (volumeMismatch(volume, claim)) continue
    if (requirements && !matchesLabels(requirements, volume.metadata.labels)) continue
    if (node && !isReachableFrom(volume, node)) continue
    if (!best || compareQuantities(capacityOf(volume), capacityOf(best)) < 0) best = volume
  }
  return best
}

/** Names of the claims that a Pod mounts, those of its ephemeral volumes included. */
export function claimNamesOf({ metadata, spec }: Pod): readonly string[] {
  const names: string[] = []
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim) names.push(persistentVolumeClaim.claimName)
    else if (ephemeral) names.push(`${metadata.name}-${name}`)
  }
  return names
}

/** The default class; of several the newest, then the first by name, as upstream picks. */
export function defaultStorageClass(classes: readonly StorageClass[]): StorageClass | undefined {
  return classes
    .filter(({ metadata }) => metadata.annotations?.[IS_DEFAULT_CLASS] === 'true')
    .sort(
      ({ metadata: a }, { metadata: b }) =>
        b.creationTimestamp.localeCompare(a.creationTimestamp) || a.name.localeCompare(b.name),
    )[0]
}
