import type { KubernetesObject } from '../api/kind.ts'

/** One thing worth telling a user about an object. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning'
  /** CamelCase, for machines: `SuccessfulCreate`. */
  readonly reason: string
  /** A sentence for people. */
  readonly message: string
}

/** Writes Events. Never throws and never waits: an event that cannot be written is dropped and counted. */
export interface EventRecorder {
  record(about: KubernetesObject, note: EventNote): void
}
