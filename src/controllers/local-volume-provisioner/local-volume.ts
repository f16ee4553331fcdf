import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import type { StorageClass } from '../../api/storage-v1/types.ts'
import { PROVISIONED_BY, requestedStorage } from '../../machinery/volume-binding.ts'
import { LOCAL_PROVISIONER } from './standard-storage-class.ts'

/** Keeps a volume, however it is deleted, until its directory is gone: the name that upstream's provisioners use. */
export const DIRECTORY_FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer'
/** Keeps a volume that is bound. */
export const PROTECTED_BY = 'kubernetes.io/pv-protection'
const HOSTNAME_LABEL = 'kubernetes.io/hostname'
const UID = /^[0-9A-Za-z]+(-[0-9A-Za-z]+)*$/
const VOLUME_NAME = /^pvc-[0-9A-Za-z]+(-[0-9A-Za-z]+)*$/

/** Made of the claim's uid alone, so one claim never gets two volumes, and no name that a user chose becomes a path. */
export function localVolumeName({ metadata: { uid } }: PersistentVolumeClaim): string {
  if (!UID.test(uid)) throw new Error(`"${uid}" is not a uid`)
  return `pvc-${uid.toLowerCase()}`
}

/** The directory of a volume: directly below the root, whatever the object says of itself. Undefined for foreign names. */
export const localVolumePath = (root: string, volumeName: string): string | undefined =>
  VOLUME_NAME.test(volumeName) ? `${root.replace(/\/+$/, '')}/${volumeName}` : undefined

export interface LocalVolumeOptions {
  readonly path: string
  /** The machine's hostname label. */
  readonly hostname: string
  readonly storageClass: StorageClass
}

export function localVolumeFor(
  claim: PersistentVolumeClaim,
  { path, hostname, storageClass }: LocalVolumeOptions,
): Unsaved<PersistentVolume> {
  const { name, namespace, uid, resourceVersion } = claim.metadata
  const { accessModes = ['ReadWriteOnce'] } = claim.spec
  return {
    metadata: {
      name: localVolumeName(claim),
      annotations: { [PROVISIONED_BY]: LOCAL_PROVISIONER },
      finalizers: [DIRECTORY_FINALIZER],
    },
    spec: {
      accessModes,
      capacity: { storage: requestedStorage(claim) },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      local: { path },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: HOSTNAME_LABEL, operator: 'In', values: [hostname] }] }],
        },
      },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem',
    },
  }
}

/** The machines by whose provisioner this volume was made, which is one; none for volumes of others. */
export const localVolumeHosts = ({ metadata, spec }: PersistentVolume): readonly string[] =>
  metadata.annotations?.[PROVISIONED_BY] === LOCAL_PROVISIONER
    ? (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap(({ matchExpressions = [] }) =>
        matchExpressions.flatMap(({ key, values = [] }) => (key === HOSTNAME_LABEL ? values : [])),
      )
    : []

/** Whether this volume was made here. */
export const isLocalVolumeOf = (volume: PersistentVolume, hostname: string): boolean =>
  localVolumeHosts(volume).includes(hostname)

/** What volumes of a machine are found by; it may differ from the machine's name. */
export const hostnameOf = ({ metadata }: Node): string => metadata.labels?.[HOSTNAME_LABEL] ?? metadata.name
