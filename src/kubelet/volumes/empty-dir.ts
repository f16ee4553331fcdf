import { unitsOf } from '../../machinery/quantity.ts'
import type { VolumePlugin } from './volume-plugin.ts'

/** A directory that lives as long as its Pod, on disk or in memory. */
export const emptyDirPlugin: VolumePlugin = {
  name: 'kubernetes.io~empty-dir',
  handles: ({ emptyDir, ephemeral }) => emptyDir !== undefined && !ephemeral,
  async setUp({ volume, directory, disk }) {
    const { medium, sizeLimit } = volume.emptyDir!
    await disk.makeDirectory(directory, 0o777)
    if (medium === 'Memory') {
      await disk.mount({
        type: 'tmpfs',
        path: directory,
        ...(sizeLimit !== undefined && { sizeBytes: unitsOf(sizeLimit) }),
      })
    }
    await disk.setMode(directory, 0o777)
    return { path: directory, readOnly: false, takesGroup: true }
  },
}
