import type { HostPathVolumeSource } from '../../api/core-v1/types.ts'
import type { MachineDisk, PathKind } from '../doors.ts'
import { MountFailure, type VolumePlugin } from './volume-plugin.ts'

const WANTED: Readonly<Record<string, { readonly kind: PathKind; readonly text: string }>> = {
  Directory: { kind: 'directory', text: 'directory' },
  File: { kind: 'file', text: 'file' },
  Socket: { kind: 'socket', text: 'socket' },
  CharDevice: { kind: 'charDevice', text: 'character device' },
  BlockDevice: { kind: 'blockDevice', text: 'block device' },
}

/** A path of the machine itself. */
export const hostPathPlugin: VolumePlugin = {
  name: 'kubernetes.io~host-path',
  handles: ({ hostPath }) => hostPath !== undefined,
  async setUp({ volume, disk }) {
    await checkHostPath(volume.hostPath!, disk)
    return { path: volume.hostPath!.path, readOnly: false, takesGroup: false }
  },
}

/** Makes what the type asks to be made, and refuses what is of another type. */
export async function checkHostPath({ path, type = '' }: HostPathVolumeSource, disk: MachineDisk): Promise<void> {
  const kind = await disk.pathKind(path)
  if (type === '') {
    // A container's mount needs something to mount: what is missing becomes a directory, as runtimes make it.
    if (kind === 'missing') await disk.makeDirectory(path, 0o755)
    return
  }
  if (type === 'DirectoryOrCreate') return createOrCheck({ path, kind, wanted: 'directory', type }, disk)
  if (type === 'FileOrCreate') return createOrCheck({ path, kind, wanted: 'file', type }, disk)
  const wanted = WANTED[type]
  if (!wanted) throw new MountFailure(`${type} is an invalid volume type`)
  if (kind !== wanted.kind) throw new MountFailure(`hostPath type check failed: ${path} is not a ${wanted.text}`)
}

async function createOrCheck(
  { path, kind, wanted, type }: { path: string; kind: PathKind; wanted: PathKind; type: string },
  disk: MachineDisk,
): Promise<void> {
  if (kind === wanted) return
  if (kind !== 'missing') throw new MountFailure(`hostPath type check failed: ${path} is not a ${wanted} (${type})`)
  if (wanted === 'directory') await disk.makeDirectory(path, 0o755)
  else await disk.makeFile(path, 0o644)
}
