import type { Pod, Volume } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { MachineDisk } from '../doors.ts'
import type { ReferencedObjects } from '../pod/environment.ts'
import type { FieldSources } from '../pod/field-values.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'

export interface VolumeContext {
  readonly pod: Pod
  readonly volume: Volume
  /** The volume's own directory on the machine; made by the plugin if it needs it. */
  readonly directory: string
  readonly nodeName: string
  readonly disk: MachineDisk
  readonly client: Client
  readonly objects: ReferencedObjects
  readonly tokens: ServiceAccountTokens
  readonly fields: FieldSources
}

export interface MountedVolume {
  /** What containers mount. */
  readonly path: string
  readonly readOnly: boolean
  /** Whether `fsGroup` applies: not to what belongs to the machine. */
  readonly takesGroup: boolean
}

/** One kind of volume. `setUp` may run any number of times, also to bring changed content into a running Pod. */
export interface VolumePlugin {
  /** As upstream's directories are called, for example `kubernetes.io~empty-dir`. */
  readonly name: string
  handles(volume: Volume): boolean
  setUp(context: VolumeContext): Promise<MountedVolume>
}

/** Why a volume could not be mounted; the message goes into the FailedMount event. */
export class MountFailure extends Error {
  override name = 'MountFailure'
}
