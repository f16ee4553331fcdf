import { PersistentVolume, PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import { StorageClass } from '../../api/storage-v1/types.ts'
import { forbidden } from '../../machinery/field-error.ts'
import { timeText } from '../../machinery/time.ts'
import { IS_DEFAULT_CLASS, storageClassOf } from '../../machinery/volume-binding.ts'
import { defineKind } from '../kind-definition.ts'
import { age, text, wide } from '../tables/columns.ts'
import type { TableColumn } from '../tables/table-column.ts'
import { claimErrors, claimUpdateErrors, volumeErrors, volumeUpdateErrors } from './persistent-volume-validation.ts'
import { storageClassErrors } from './storage-class-validation.ts'
import { immutable } from './workload-validation.ts'

const MODE_LETTERS: { readonly [mode: string]: string } = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

const modesText = (modes: readonly string[] | undefined): string =>
  Object.keys(MODE_LETTERS)
    .filter(mode => modes?.includes(mode))
    .map(mode => MODE_LETTERS[mode])
    .join(',')

const volumeModeText = (mode: string | undefined): string => mode ?? '<unset>'

export const persistentVolumes = defineKind(PersistentVolume, {
  defaults({ spec }) {
    if (!spec) return
    spec.persistentVolumeReclaimPolicy ??= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    if (spec.hostPath) spec.hostPath.type ??= ''
  },
  prepareForCreate(volume, { now }) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: timeText(now) }
  },
  prepareForStatusUpdate(volume, old, { now }) {
    if (volume.status && volume.status.phase !== old.status?.phase)
      volume.status.lastPhaseTransitionTime = timeText(now)
  },
  validate: volumeErrors,
  validateUpdate: volumeUpdateErrors,
  returnsDeletedObject: true,
  columns: [
    text('Capacity', ({ spec }) => spec?.capacity?.storage ?? ''),
    text('Access Modes', ({ spec }) => modesText(spec?.accessModes)),
    text('Reclaim Policy', ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ''),
    text('Status', ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''))),
    text('Claim', ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : '')),
    text('StorageClass', volume => storageClassOf(volume)),
    text('VolumeAttributesClass', ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>'),
    text('Reason', ({ status }) => status?.reason ?? ''),
    age,
    wide(text('VolumeMode', ({ spec }) => volumeModeText(spec?.volumeMode))),
  ] satisfies TableColumn<PersistentVolume>[],
})

const isAssigned = ({ spec }: PersistentVolumeClaim): boolean => Boolean(spec?.volumeName)

export const persistentVolumeClaims = defineKind(PersistentVolumeClaim, {
  defaults({ spec }) {
    if (!spec) return
    spec.volumeMode ??= 'Filesystem'
  },
  prepareForCreate(claim) {
    claim.status = { phase: 'Pending' }
  },
  validate: claimErrors,
  validateUpdate: claimUpdateErrors,
  returnsDeletedObject: true,
  columns: [
    text('Status', ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''))),
    text('Volume', ({ spec }) => spec?.volumeName ?? ''),
    text('Capacity', claim => (isAssigned(claim) ? (claim.status?.capacity?.storage ?? '') : '')),
    text('Access Modes', claim => (isAssigned(claim) ? modesText(claim.status?.accessModes) : '')),
    text('StorageClass', claim => storageClassOf(claim)),
    text('VolumeAttributesClass', ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>'),
    age,
    wide(text('VolumeMode', ({ spec }) => volumeModeText(spec?.volumeMode))),
  ] satisfies TableColumn<PersistentVolumeClaim>[],
})

const isDefaultClass = ({ metadata }: StorageClass): boolean => metadata.annotations?.[IS_DEFAULT_CLASS] === 'true'

export const storageClasses = defineKind(StorageClass, {
  defaults(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete'
    storageClass.volumeBindingMode ??= 'Immediate'
  },
  validate: storageClassErrors,
  validateUpdate: (next, old) => [
    ...(['parameters', 'provisioner', 'reclaimPolicy'] as const).flatMap(field =>
      immutable(next[field], old[field], field).map(() => forbidden(field, `updates to ${field} are forbidden.`)),
    ),
    ...immutable(next.volumeBindingMode, old.volumeBindingMode, 'volumeBindingMode'),
  ],
  returnsDeletedObject: true,
  columns: [
    text('Provisioner', ({ provisioner }) => provisioner),
    text('ReclaimPolicy', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    text('VolumeBindingMode', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
    {
      name: 'AllowVolumeExpansion',
      type: 'string',
      cell: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
    },
    age,
  ] satisfies TableColumn<StorageClass>[],
  nameCell: storageClass => `${storageClass.metadata.name}${isDefaultClass(storageClass) ? ' (default)' : ''}`,
})
