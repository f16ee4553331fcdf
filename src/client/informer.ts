import type { Kind, KubernetesObject } from '../api/kind.ts'
import type { ObjectKey } from '../machinery/object.ts'
import type { Requirements } from '../machinery/selectors.ts'

/** A readonly, possibly stale copy of all objects of one kind. */
export interface Lister<T extends KubernetesObject> {
  get(key: ObjectKey): T | undefined
  /** All objects, or those of a namespace, that match the label requirements. In no particular order. */
  list(filter?: { readonly namespace?: string; readonly labels?: Requirements }): readonly T[]
  /** Objects that the named index files under `value`. Throws for an index that was never added. */
  byIndex(index: string, value: string): readonly T[]
}

/** What happened to one object. `deleted` carries the last state known, also when the deletion itself was missed. */
export type InformerEvent<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'updated'; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly object: T }

/** Keeps a `Lister` current by list and watch, and tells of every change. Survives lost watches and 410s. */
export interface Informer<T extends KubernetesObject> extends Lister<T> {
  readonly kind: Kind<T>
  /** True after the first complete list. */
  readonly isSynced: boolean
  /** Resolves when synced; rejects with the signal's reason. */
  whenSynced(signal?: AbortSignal): Promise<void>
  /** The cache holds every change up to this revision. */
  readonly resourceVersion: string
  /** Idempotent per name; the same name must always come with the same function. Objects may have several values. */
  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void
  /**
   * Calls `handle` for every object already there (as `added`), then for every change, in order, after the cache holds
   * it. Handlers must return at once: they enqueue.
   */
  subscribe(handle: (event: InformerEvent<T>) => void): Disposable
}

/** One informer for each kind (and field selector), shared by everyone in a process. They start on first use. */
export interface InformerFactory {
  informer<T extends KubernetesObject>(
    kind: Kind<T>,
    options?: { readonly fieldSelector?: string; readonly namespace?: string },
  ): Informer<T>
  /**
   * Ends the informers of a kind that is not served any more: what they held is told as deleted. Should it be served
   * again, a later `informer` makes a new one.
   */
  release(kind: Kind): void
  /** Resolves when every informer asked for so far is synced. */
  whenSynced(signal?: AbortSignal): Promise<void>
  stop(): Promise<void>
}
