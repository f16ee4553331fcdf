import type { PersistentVolumeSpec } from '../api/core-v1/types.ts'
import type { JsonValue } from './json.ts'

/** Every other field of a PersistentVolume's spec names where its data is. */
const NOT_SOURCES = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
])

/** What a PersistentVolume says of where its data is, by field: `hostPath`, `local`, `nfs` and so on. */
export const volumeSourcesOf = (spec: PersistentVolumeSpec | undefined): Readonly<Record<string, JsonValue>> =>
  Object.fromEntries(
    Object.entries(spec ?? {}).filter(([name, value]) => value !== undefined && !NOT_SOURCES.has(name)),
  )
