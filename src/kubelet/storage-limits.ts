import type { Pod } from '../api/core-v1/types.ts'
import { unitsOf } from '../machinery/quantity.ts'
import type { ContainerUsage, MachineDisk } from './doors.ts'
import { emptyDirPlugin } from './volumes/empty-dir.ts'

export interface StorageUse {
  readonly disk: MachineDisk
  /** Where the Pod's volumes lie. */
  readonly directory: string
  readonly usage: readonly ContainerUsage[]
}

/** Which limit of its own on local storage a Pod has exceeded, in upstream's words; undefined while it keeps them all. */
export async function exceededStorageLimit(pod: Pod, use: StorageUse): Promise<string | undefined> {
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    // One in memory is bounded by its file system.
    if (emptyDir?.sizeLimit === undefined || emptyDir.medium === 'Memory') continue
    const { bytes } = await use.disk.usage(`${use.directory}/volumes/${emptyDirPlugin.name}/${name}`)
    if (bytes > unitsOf(emptyDir.sizeLimit))
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${emptyDir.sizeLimit}". `
  }
  for (const { name, resources } of pod.spec.containers) {
    const limit = resources?.limits?.['ephemeral-storage']
    const used = use.usage.find(({ pod: owner, name: of }) => owner.uid === pod.metadata.uid && of === name)
    if (limit !== undefined && used && used.writableLayerBytes > unitsOf(limit)) {
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `
    }
  }
  return undefined
}

/** Whether it is worth looking. */
export const limitsStorage = ({ spec }: Pod): boolean =>
  (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined) ||
  spec.containers.some(({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined)
