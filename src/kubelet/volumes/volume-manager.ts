import type { Pod, Volume } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { MachineDisk } from '../doors.ts'
import type { ReferencedObjects } from '../pod/environment.ts'
import type { FieldSources } from '../pod/field-values.ts'
import { claimPlugin } from './claim.ts'
import { emptyDirPlugin } from './empty-dir.ts'
import { hostPathPlugin } from './host-path.ts'
import { livingVolumesOf } from './living-volumes.ts'
import { nfsPlugin } from './nfs.ts'
import { configMapPlugin, downwardApiPlugin, projectedPlugin, secretPlugin } from './projected-files.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'
import { type MountedVolume, MountFailure, type VolumePlugin } from './volume-plugin.ts'

/** In order: the first that handles a volume sets it up. */
const PLUGINS: readonly VolumePlugin[] = [
  emptyDirPlugin,
  configMapPlugin,
  secretPlugin,
  downwardApiPlugin,
  projectedPlugin,
  hostPathPlugin,
  claimPlugin,
  nfsPlugin,
]

export interface VolumeManagerOptions {
  readonly podsDirectory: string
  readonly nodeName: string
  readonly disk: MachineDisk
  readonly client: Client
  readonly objects: ReferencedObjects
  readonly tokens: ServiceAccountTokens
}

/** Mounts what Pods ask for before their containers start, and takes it down after they ended. */
export class VolumeManager {
  readonly #options: VolumeManagerOptions

  constructor(options: VolumeManagerOptions) {
    this.#options = options
  }

  /**
   * Brings every volume of the Pod up, any number of times. Throws a `MountFailure` that tells of the first that
   * fails, as `MountVolume.SetUp failed for volume "www" : …`.
   */
  async setUp(pod: Pod, fields: FieldSources): Promise<ReadonlyMap<string, MountedVolume>> {
    const mounted = new Map<string, MountedVolume>()
    for (const volume of pod.spec.volumes ?? []) mounted.set(volume.name, await this.#setUpOne(pod, volume, fields))
    return mounted
  }

  /** Brings what changed in the API into the files of a running Pod. */
  async refresh(pod: Pod, fields: FieldSources): Promise<void> {
    for (const volume of livingVolumesOf(pod)) await this.#setUpOne(pod, volume, fields)
  }

  /** Unmounts and removes everything of the Pod. Throws `DiskError` `busy` while something still uses it. */
  async tearDown(podUid: string): Promise<void> {
    const { disk } = this.#options
    const directory = this.directoryOf(podUid)
    const mounts = await disk.mounts(directory)
    for (const { path } of mounts.toSorted((a, b) => b.path.length - a.path.length)) await disk.unmount(path)
    await disk.remove(directory)
    this.#options.tokens.forget(podUid)
  }

  /** Uids of Pods that have something on the disk. */
  listPods(): Promise<readonly string[]> {
    return this.#options.disk.listDirectory(this.#options.podsDirectory)
  }

  directoryOf(podUid: string): string {
    return `${this.#options.podsDirectory}/${podUid}`
  }

  async #setUpOne(pod: Pod, volume: Volume, fields: FieldSources): Promise<MountedVolume> {
    const plugin = PLUGINS.find(candidate => candidate.handles(volume))
    try {
      if (!plugin) throw new MountFailure(`no volume plugin matched name: ${sourceNameOf(volume)}`)
      const directory = `${this.directoryOf(pod.metadata.uid)}/volumes/${plugin.name}/${volume.name}`
      const mounted = await plugin.setUp({ ...this.#options, pod, volume, directory, fields })
      await this.#giveToGroup(pod, mounted)
      return mounted
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new MountFailure(`MountVolume.SetUp failed for volume "${volume.name}" : ${reason}`, { cause: error })
    }
  }

  async #giveToGroup({ spec }: Pod, { path, takesGroup, readOnly }: MountedVolume): Promise<void> {
    const { fsGroup, fsGroupChangePolicy } = spec.securityContext ?? {}
    if (fsGroup === undefined || !takesGroup) return
    const onlyIfRootDiffers = fsGroupChangePolicy === 'OnRootMismatch'
    await this.#options.disk.giveToGroup(path, fsGroup, { readOnly, onlyIfRootDiffers })
  }
}

const sourceNameOf = (volume: Volume): string => Object.keys(volume).find(key => key !== 'name') ?? 'none'
