import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../api/core-v1/types.ts'
import { type FieldError, forbidden, invalid, required } from '../../machinery/field-error.ts'
import type { JsonValue } from '../../machinery/json.ts'
import { dnsSubdomainProblems } from '../../machinery/names.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import { volumeSourcesOf } from '../../machinery/volume-source.ts'
import { sameMeaning } from '../write/same-meaning.ts'
import { oneOf, selectorErrors, wellFormed } from './field-rules.ts'
import { nodeTermErrors } from './pod-spec-validation.ts'

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
  if (!spec?.accessModes?.length) errors.push(required('spec.accessModes'))
  for (const mode of spec?.accessModes ?? [])
    errors.push(...oneOf(mode, { path: 'spec.accessModes', choices: ACCESS_MODES }))
  const storage = spec?.capacity?.storage
  if (storage === undefined) errors.push(required('spec.capacity'))
  else if (compareQuantities(storage, '0') <= 0)
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
  if (spec?.hostPath && !spec.hostPath.path) errors.push(required('spec.hostPath.path'))
  if (spec?.local) {
    if (!spec.local.path) errors.push(required('spec.local.path'))
    if (!spec.nodeAffinity) errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'))
  }
  if (spec?.nfs && !spec.nfs.server) errors.push(required('spec.nfs.server'))
  spec?.nodeAffinity?.required?.nodeSelectorTerms?.forEach((term, index) => {
    errors.push(...nodeTermErrors(term, `spec.nodeAffinity.required.nodeSelectorTerms[${index}]`))
  })
  return errors
}

/** Where the bytes are cannot change under a claim. */
export function volumeUpdateErrors(volume: PersistentVolume, old: PersistentVolume): readonly FieldError[] {
  const errors: FieldError[] = []
  if (!sameMeaning(volumeSourcesOf(volume.spec), volumeSourcesOf(old.spec))) {
    errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'))
  }
  if (!sameMeaning(volume.spec?.volumeMode, old.spec?.volumeMode)) {
    errors.push(invalid('spec.volumeMode', volume.spec?.volumeMode ?? null, 'field is immutable'))
  }
  return errors
}
