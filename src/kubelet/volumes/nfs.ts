import type { NFSVolumeSource } from '../../api/core-v1/types.ts'
import type { MachineDisk } from '../doors.ts'
import type { VolumePlugin } from './volume-plugin.ts'

/** A directory that an NFS server exports. */
export const nfsPlugin: VolumePlugin = {
  name: 'kubernetes.io~nfs',
  handles: ({ nfs }) => nfs !== undefined,
  async setUp({ volume, directory, disk }) {
    await mountNfs(volume.nfs!, { directory, disk, options: [] })
    return { path: directory, readOnly: volume.nfs!.readOnly ?? false, takesGroup: false }
  },
}

export async function mountNfs(
  { server, path, readOnly }: NFSVolumeSource,
  { directory, disk, options }: { directory: string; disk: MachineDisk; options: readonly string[] },
): Promise<void> {
  const host = server.includes(':') ? `[${server}]` : server
  await disk.makeDirectory(directory, 0o750)
  await disk.mount({
    type: 'nfs',
    path: directory,
    source: `${host}:${path}`,
    fsType: 'nfs',
    options: readOnly ? ['ro', ...options] : options,
  })
}
