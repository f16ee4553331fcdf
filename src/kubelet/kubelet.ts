import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { InformerFactory } from '../client/informer.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Component } from '../machinery/component.ts'
import type { Logger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import type { MachineDoors } from './doors.ts'
import type { KubeletConfig } from './kubelet-config.ts'

export interface KubeletOptions {
  readonly nodeName: string
  readonly client: Client
  /** Asked for Pods with the field selector `spec.nodeName=<nodeName>`, and for Nodes, Services, ConfigMaps, Secrets. */
  readonly informers: InformerFactory
  readonly doors: MachineDoors
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** With source component `kubelet` and the node's name as host. */
  readonly events: EventRecorder
  /** Overrides of `defaultKubeletConfig`. */
  readonly config?: Partial<KubeletConfig>
}

/** Runs the Pods that the API assigns to one machine. */
export declare function createKubelet(options: KubeletOptions): Component
