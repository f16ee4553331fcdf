import type { Registry } from 'prom-client'
import type { Kind, KubernetesObject } from '../api/kind.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import { controllerOf, keyOf, type ObjectKey } from '../machinery/object.ts'
import type { Random } from '../machinery/random.ts'
import type { Client } from './client.ts'
import type { EventRecorder } from './event-recorder.ts'
import type { InformerEvent, InformerFactory } from './informer.ts'

/** What a pass asks for: nothing more, or another look at a known time. Throw to be retried with back-off. */
export interface Result {
  readonly recheckAfterMs?: number
}

/** Only a change of the spec can help: the key is not retried until something it watches changes. */
export class TerminalError extends Error {
  override name = 'TerminalError'
}

/** Brings the world one step nearer to what one object asks. Gets a key, never an event; safe to run at any time. */
export type Reconciler = (key: ObjectKey, signal: AbortSignal) => Promise<Result>

/** Everything a controller may know of the world. `events` already carries the controller's name as its source. */
export interface Dependencies {
  readonly client: Client
  readonly informers: InformerFactory
  readonly events: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Where a component that counts something of its own registers it; absent, nothing is counted. */
  readonly metrics?: Registry
}

/** Enqueues keys by hand: for a reconciler that learns of work by other ways than its watches. */
export type Enqueue = (key: ObjectKey, afterMs?: number) => void

export interface Watched<T extends KubernetesObject = KubernetesObject> {
  readonly kind: Kind<T>
  /** Which keys an event concerns. May enqueue nothing. */
  readonly keysOf: (event: InformerEvent<T>, dependencies: Dependencies) => readonly ObjectKey[]
}

/** A controller as data: what it watches, declared beside what it does. Started by `runController`. */
export interface ControllerDefinition {
  readonly name: string
  /** The `source.component` of its events, for example `statefulset-controller`. */
  readonly component: string
  /** Keys worked on at the same time; one key is never worked on twice at once. Default 5. */
  readonly workers: number
  readonly watched: readonly Watched[]
  readonly reconciler: (dependencies: Dependencies, enqueue: Enqueue) => Reconciler
}

/** Declares a controller: `controllerFor(StatefulSet, { … }).owns(Pod).reconciledBy(statefulSetReconciler)`. */
export function controllerFor<T extends KubernetesObject>(
  kind: Kind<T>,
  { name, component = `${name}-controller`, workers = 5 }: { name: string; component?: string; workers?: number },
): ControllerBuilder {
  const itself: Watched<T> = { kind, keysOf: ({ object }) => [keyOf(object)] }
  return builderWith(kind, { name, component, workers, watched: [itself as unknown as Watched] })
}

export interface ControllerBuilder {
  /** Enqueues the controlling owner, old and new, of every changed object of this kind. */
  owns<T extends KubernetesObject>(kind: Kind<T>): ControllerBuilder
  /** Enqueues whatever keys the function names. */
  watches<T extends KubernetesObject>(kind: Kind<T>, keysOf: Watched<T>['keysOf']): ControllerBuilder
  reconciledBy(reconciler: ControllerDefinition['reconciler']): ControllerDefinition
}

function builderWith(owner: Kind, declared: Omit<ControllerDefinition, 'reconciler'>): ControllerBuilder {
  const watching = (watched: Watched): ControllerBuilder =>
    builderWith(owner, { ...declared, watched: [...declared.watched, watched] })
  return {
    owns: kind => watching({ kind, keysOf: event => ownerKeysOf(owner, event) } as Watched),
    watches: (kind, keysOf) => watching({ kind, keysOf } as unknown as Watched), // Its events are of that kind only.
    reconciledBy: reconciler => ({ ...declared, reconciler }),
  }
}

function ownerKeysOf(owner: Kind, event: InformerEvent<KubernetesObject>): ObjectKey[] {
  const versions = event.type === 'updated' ? [event.object, event.previous] : [event.object]
  const names = new Set<string>()
  for (const object of versions) {
    const reference = controllerOf(object)
    if (reference?.kind === owner.kind && reference.apiVersion === owner.apiVersion) names.add(reference.name)
  }
  const { namespace } = event.object.metadata
  return [...names].map(name => (owner.namespaced && namespace ? { namespace, name } : { name }))
}
