import {
  type PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolume as PersistentVolumeKind,
  type Pod,
} from '../../api/core-v1/types.ts'
import { volumeSourcesOf } from '../../machinery/volume-source.ts'
import { checkHostPath } from './host-path.ts'
import { mountNfs } from './nfs.ts'
import { type MountedVolume, MountFailure, type VolumeContext, type VolumePlugin } from './volume-plugin.ts'

/** A claim that is bound to a volume of the machine or the network; also the claim that an ephemeral volume made. */
export const claimPlugin: VolumePlugin = {
  name: 'kubernetes.io~claim',
  handles: ({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim !== undefined || ephemeral !== undefined,
  async setUp(context) {
    const { pod, volume, client } = context
    const name = volume.persistentVolumeClaim?.claimName ?? `${pod.metadata.name}-${volume.name}`
    const { namespace } = pod.metadata
    const claim = await client.find(PersistentVolumeClaim, { namespace, name })
    if (!claim) throw new MountFailure(`persistentvolumeclaim "${name}" not found`)
    if (volume.ephemeral) demandOwned(claim, pod)
    const { volumeName } = claim.spec
    if (!volumeName || claim.status?.phase !== 'Bound')
      throw new MountFailure(`PVC is not bound: "${namespace}/${name}"`)
    if (claim.metadata.deletionTimestamp && !isUsedAlready(pod)) {
      throw new MountFailure(`can't start pod because PVC is being deleted: "${namespace}/${name}"`)
    }
    const persistent = await client.find(PersistentVolumeKind, { name: volumeName })
    if (!persistent) throw new MountFailure(`persistentvolume "${volumeName}" not found`)
    if (persistent.spec.claimRef?.uid !== claim.metadata.uid) {
      throw new MountFailure(`volume "${volumeName}" is bound to another claim than "${namespace}/${name}"`)
    }
    const readOnly = volume.persistentVolumeClaim?.readOnly ?? false
    return { ...(await setUpPersistent(persistent, context)), readOnly }
  },
}

const isUsedAlready = ({ status }: Pod): boolean => status.phase === 'Running'

function demandOwned(claim: PersistentVolumeClaim, pod: Pod): void {
  if (claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid)) return
  throw new MountFailure(
    `PVC ${claim.metadata.namespace}/${claim.metadata.name} was not created for pod (pod is not owner)`,
  )
}

async function setUpPersistent({ metadata, spec }: PersistentVolume, context: VolumeContext): Promise<MountedVolume> {
  const { disk, directory } = context
  if (spec.hostPath) {
    await checkHostPath(spec.hostPath, disk)
    return { path: spec.hostPath.path, readOnly: false, takesGroup: false }
  }
  if (spec.local) return setUpLocal(spec.local, context)
  if (spec.nfs) {
    await mountNfs(spec.nfs, { directory, disk, options: spec.mountOptions ?? [] })
    return { path: directory, readOnly: spec.nfs.readOnly ?? false, takesGroup: false }
  }
  const kind = Object.keys(volumeSourcesOf(spec))[0] ?? 'none'
  throw new MountFailure(`volume "${metadata.name}" has a source that this machine cannot mount: ${kind}`)
}

/** A directory or block device of this machine. A directory that is gone is not made anew: its data would be missing. */
async function setUpLocal(
  { path, fsType = 'ext4' }: { readonly path: string; readonly fsType?: string },
  { disk, directory }: VolumeContext,
): Promise<MountedVolume> {
  const kind = await disk.pathKind(path)
  if (kind === 'directory') return { path, readOnly: false, takesGroup: true }
  if (kind !== 'blockDevice') throw new MountFailure(`path "${path}" does not exist`)
  await disk.makeDirectory(directory, 0o750)
  await disk.mount({ type: 'block', path: directory, source: path, fsType, options: [] })
  return { path: directory, readOnly: false, takesGroup: true }
}
