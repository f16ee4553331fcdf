import type { Pod, Service } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import type { MachineDoors, PodIdentity, ResolverConfig } from '../doors.ts'
import type { ImagePuller } from '../images/image-puller.ts'
import type { KubeletConfig } from '../kubelet-config.ts'
import type { ObjectWatches } from '../volumes/object-watches.ts'
import type { VolumeManager } from '../volumes/volume-manager.ts'
import type { ReferencedObjects } from './environment.ts'
import type { FieldSources } from './field-values.ts'

/** What the machine is, as Pods see it. */
export interface MachineView {
  readonly nodeName: string
  readonly hostname: string
  readonly hostAddresses: readonly string[]
  readonly memoryBytes: number
  readonly resolver: ResolverConfig
  readonly allocatable: FieldSources['allocatable']
}

/** Everything that work on a Pod may reach. One for the whole kubelet. */
export interface PodContext {
  readonly client: Client
  readonly doors: MachineDoors
  readonly clock: Clock
  readonly logger: Logger
  readonly events: EventRecorder
  readonly config: KubeletConfig
  readonly images: ImagePuller
  readonly volumes: VolumeManager
  readonly objects: ReferencedObjects
  readonly objectWatches: ObjectWatches
  readonly machine: () => MachineView
  readonly services: () => readonly Service[]
}

export const fieldSourcesOf = (context: PodContext, pod: Pod, podAddresses: readonly string[]): FieldSources => {
  const { nodeName, hostAddresses, allocatable } = context.machine()
  return { pod, nodeName, podAddresses, hostAddresses, allocatable }
}

export const logDirectoryOf = ({ podLogsDirectory }: KubeletConfig, { metadata }: Pick<Pod, 'metadata'>): string =>
  `${podLogsDirectory}/${metadata.namespace}_${metadata.name}_${metadata.uid}`

/** Whose logs are in a directory of that name; the names of namespaces and Pods have no underscores. */
export function podOfLogDirectory(directory: string): PodIdentity | undefined {
  const [namespace, name, uid, ...rest] = directory.split('_')
  return namespace && name && uid && rest.length === 0 ? { namespace, name, uid } : undefined
}
