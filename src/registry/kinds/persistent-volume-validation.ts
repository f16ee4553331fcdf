import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
} from '../../api/core-v1/types.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../machinery/field-error.ts'
import type { JsonValue } from '../../machinery/json.ts'
import { dnsSubdomainProblems } from '../../machinery/names.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import { volumeSourcesOf } from '../../machinery/volume-source.ts'
import { sameMeaning } from '../write/same-meaning.ts'
import { oneOf, selectorErrors, wellFormed } from './field-rules.ts'
import { nodeTermErrors } from './pod-spec-validation.ts'
import { HOST_PATH_TYPES } from './volume-validation.ts'

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
const VOLUME_MODES = ['Block', 'Filesystem']

/** The rules of what a claim asks for. */
export function claimSpecErrors(spec: PersistentVolumeClaimSpec | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const modes = spec?.accessModes ?? []
  if (modes.length === 0) errors.push(required(`${path}.accessModes`, 'at least 1 access mode is required'))
  modes.forEach((mode, index) => {
    errors.push(
      ...oneOf(mode, { path: `${path}.accessModes[${index}]`, choices: ACCESS_MODES }).map(error => ({
        ...error,
        field: `${path}.accessModes`,
      })),
    )
  })
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) {
    errors.push(forbidden(`${path}.accessModes`, 'may not use ReadWriteOncePod with other access modes'))
  }
  const storage = spec?.resources?.requests?.storage
  if (storage === undefined) errors.push(required(`${path}.resources[storage]`))
  else if (compareQuantities(storage, '0') <= 0) {
    errors.push(invalid(`${path}.resources[storage]`, storage, 'must be greater than zero'))
  }
  errors.push(...dataSourceErrors(spec, path))
  if (spec?.storageClassName) {
    errors.push(
      ...wellFormed(spec.storageClassName, { path: `${path}.storageClassName`, problems: dnsSubdomainProblems }),
    )
  }
  return [
    ...errors,
    ...oneOf(spec?.volumeMode, { path: `${path}.volumeMode`, choices: VOLUME_MODES }),
    ...selectorErrors(spec?.selector, `${path}.selector`),
  ]
}

/** What the volume of a claim is filled with. */
function dataSourceErrors(spec: PersistentVolumeClaimSpec | undefined, path: string): readonly FieldError[] {
  return (['dataSource', 'dataSourceRef'] as const).flatMap(field => {
    const source = spec?.[field]
    if (!source) return []
    const errors: FieldError[] = []
    if (!source.name) errors.push(required(`${path}.${field}.name`))
    if (!source.kind) errors.push(required(`${path}.${field}.kind`))
    else if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim') {
      const why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
      errors.push(invalid(`${path}.${field}`, source.kind, why))
    }
    return errors
  })
}

export const claimErrors = ({ spec }: PersistentVolumeClaim): readonly FieldError[] => claimSpecErrors(spec, 'spec')

const CLAIM_IMMUTABLE =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

/** A claim's wishes stay; only its size may grow, and the volume be filled in once. */
export function claimUpdateErrors(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): readonly FieldError[] {
  const errors: FieldError[] = []
  const storage = claim.spec?.resources?.requests?.storage
  const before = old.spec?.resources?.requests?.storage
  if (!sameMeaning(fixedWishes(claim, old), fixedWishes(old, old))) errors.push(forbidden('spec', CLAIM_IMMUTABLE))
  const isBound = old.status?.phase === 'Bound'
  if (storage !== undefined && before !== undefined) {
    const difference = compareQuantities(storage, before)
    const floor = old.status?.capacity?.storage
    if (difference < 0 && !(isBound && floor !== undefined && compareQuantities(storage, floor) > 0)) {
      errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
    }
    if (difference > 0 && !isBound) errors.push(forbidden('spec', CLAIM_IMMUTABLE))
  }
  return errors
}

function fixedWishes({ spec }: PersistentVolumeClaim, old: PersistentVolumeClaim): JsonValue {
  const { resources: _, volumeAttributesClassName: __, ...rest } = spec ?? {}
  const fixed = {
    ...rest,
    ...(!old.spec?.volumeName && { volumeName: undefined }),
    // A class may be assigned later to a claim that named none (KEP-3333).
    ...(old.spec?.storageClassName === undefined && { storageClassName: undefined }),
  }
  return JSON.parse(JSON.stringify(fixed)) as JsonValue
}

/** The rules of a volume. */
export function volumeErrors(volume: PersistentVolume): readonly FieldError[] {
  const { spec } = volume
  const errors: FieldError[] = []
  const modes = spec?.accessModes ?? []
  if (modes.length === 0) errors.push(required('spec.accessModes'))
  for (const mode of modes) errors.push(...oneOf(mode, { path: 'spec.accessModes', choices: ACCESS_MODES }))
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) {
    errors.push(forbidden('spec.accessModes', 'may not use ReadWriteOncePod with other access modes'))
  }
  const storage = spec?.capacity?.storage
  const amounts = Object.keys(spec?.capacity ?? {})
  if (amounts.length === 0) errors.push(required('spec.capacity'))
  else if (storage === undefined || amounts.length > 1) {
    errors.push(notSupported('spec.capacity', spec?.capacity, ['storage']))
  } else if (compareQuantities(storage, '0') <= 0)
    errors.push(invalid('spec.capacity[storage]', storage, 'must be greater than zero'))
  errors.push(
    ...oneOf(spec?.persistentVolumeReclaimPolicy, {
      path: 'spec.persistentVolumeReclaimPolicy',
      choices: ['Delete', 'Recycle', 'Retain'],
    }),
    ...oneOf(spec?.volumeMode, { path: 'spec.volumeMode', choices: VOLUME_MODES }),
  )
  const sources = Object.keys(volumeSourcesOf(volume.spec))
  if (sources.length === 0) errors.push(required('spec', 'must specify a volume type'))
  for (const name of sources.slice(1)) errors.push(forbidden(`spec.${name}`, 'may not specify more than 1 volume type'))
  if (spec?.storageClassName) {
    errors.push(...wellFormed(spec.storageClassName, { path: 'spec.storageClassName', problems: dnsSubdomainProblems }))
  }
  return [...errors, ...placeErrors(spec), ...affinityErrors(spec)]
}

/** Each way to reach the data needs its own words. */
function placeErrors(spec: PersistentVolumeSpec | undefined): readonly FieldError[] {
  const errors: FieldError[] = []
  const { hostPath, local, nfs, csi, iscsi } = spec ?? {}
  if (hostPath) {
    errors.push(...folderErrors(hostPath.path, 'spec.hostPath.path'))
    errors.push(...oneOf(hostPath.type, { path: 'spec.hostPath.type', choices: HOST_PATH_TYPES }))
    if (/^\/+$/.test(hostPath.path ?? '') && spec?.persistentVolumeReclaimPolicy === 'Recycle') {
      errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"))
    }
  }
  if (local) {
    errors.push(...folderErrors(local.path, 'spec.local.path'))
    if (!spec?.nodeAffinity) errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'))
  }
  if (nfs) {
    if (!nfs.server) errors.push(required('spec.nfs.server'))
    if (!nfs.path) errors.push(required('spec.nfs.path'))
    else if (!nfs.path.startsWith('/')) errors.push(invalid('spec.nfs.path', nfs.path, 'must be an absolute path'))
  }
  if (csi) {
    if (!csi.driver) errors.push(required('spec.csi.driver'))
    if (!csi.volumeHandle) errors.push(required('spec.csi.volumeHandle'))
  }
  if (iscsi && !iscsi.targetPortal) errors.push(required('spec.iscsi.targetPortal'))
  if (iscsi && !iscsi.iqn) errors.push(required('spec.iscsi.iqn'))
  return errors
}

function folderErrors(folder: string | undefined, path: string): readonly FieldError[] {
  if (!folder) return [required(path)]
  return folder.split('/').includes('..') ? [invalid(path, folder, "must not contain '..'")] : []
}

function affinityErrors(spec: PersistentVolumeSpec | undefined): readonly FieldError[] {
  if (!spec?.nodeAffinity) return []
  const path = 'spec.nodeAffinity.required'
  const terms = spec.nodeAffinity.required?.nodeSelectorTerms
  if (!spec.nodeAffinity.required) return [required(path, 'must specify required node constraints')]
  if (!terms?.length) {
    return [required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term')]
  }
  return terms.flatMap((term, index) => nodeTermErrors(term, `${path}.nodeSelectorTerms[${index}]`))
}

/** Where the bytes are cannot change under a claim. */
export function volumeUpdateErrors(volume: PersistentVolume, old: PersistentVolume): readonly FieldError[] {
  const errors: FieldError[] = []
  if (!sameMeaning(volumeSourcesOf(volume.spec), volumeSourcesOf(old.spec))) {
    errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'))
  }
  const affinity = volume.spec?.nodeAffinity as JsonValue | undefined
  const before = old.spec?.nodeAffinity as JsonValue | undefined
  if (before !== undefined && !sameMeaning(affinity, before)) {
    errors.push(
      invalid('spec.nodeAffinity', affinity ?? null, 'field is immutable, except for updating from beta label to GA'),
    )
  }
  if (!sameMeaning(volume.spec?.volumeMode, old.spec?.volumeMode)) {
    errors.push(invalid('spec.volumeMode', volume.spec?.volumeMode ?? null, 'field is immutable'))
  }
  return errors
}
