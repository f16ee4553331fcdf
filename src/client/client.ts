import type { Kind, KubernetesObject, Unsaved } from '../api/kind.ts'
import type { ApiTransport, CallOptions, PatchType } from '../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../machinery/json.ts'
import type { ObjectKey } from '../machinery/object.ts'

export interface ListOptions
  extends Pick<
    CallOptions,
    'labelSelector' | 'fieldSelector' | 'limit' | 'continue' | 'resourceVersion' | 'resourceVersionMatch'
  > {
  /** Absent: all namespaces. */
  readonly namespace?: string
}

export interface ObjectList<T> {
  readonly resourceVersion: string
  readonly continue?: string
  readonly items: readonly T[]
}

export interface WatchOptions
  extends Pick<
    CallOptions,
    | 'labelSelector'
    | 'fieldSelector'
    | 'resourceVersion'
    | 'sendInitialEvents'
    | 'allowWatchBookmarks'
    | 'timeoutSeconds'
  > {
  readonly namespace?: string
  readonly signal: AbortSignal
}

export type ChangeEvent<T> = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T }

export interface WriteOptions extends Pick<CallOptions, 'dryRun' | 'fieldManager' | 'force'> {}

export interface Patch {
  readonly type: PatchType
  readonly body: JsonValue
  readonly subresource?: string
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly dryRun?: boolean
}

/**
 * The API, typed. The same over HTTPS and inside one process. Objects that come back are shared and must not be
 * changed. Every method throws `StatusError` for an answer of the server; any other error leaves the outcome unknown.
 */
export interface Client {
  /** Undefined when there is no such object. */
  find<T extends KubernetesObject>(kind: Kind<T>, key: ObjectKey): Promise<T | undefined>
  /** Throws NotFound. */
  get<T extends KubernetesObject>(kind: Kind<T>, key: ObjectKey): Promise<T>
  /** One page when `limit` is given, else everything, read at one revision. */
  list<T extends KubernetesObject>(kind: Kind<T>, options?: ListOptions): Promise<ObjectList<T>>
  watch<T extends KubernetesObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<ChangeEvent<T>>
  create<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>, options?: WriteOptions): Promise<T>
  /** Replaces the object; its `resourceVersion` must be the current one (Conflict otherwise). */
  update<T extends KubernetesObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>
  updateStatus<T extends KubernetesObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>
  patch<T extends KubernetesObject>(kind: Kind<T>, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>
  /** Resolves when the server accepted it; the object may stay for a while, terminating. Throws NotFound. */
  delete<T extends KubernetesObject>(kind: Kind<T>, key: ObjectKey, options?: DeleteOptions): Promise<void>
  deleteCollection<T extends KubernetesObject>(kind: Kind<T>, options: ListOptions & DeleteOptions): Promise<void>
  /** POSTs to a subresource: `pods/binding`, `pods/eviction`, `serviceaccounts/token`. */
  createSubresource<T extends KubernetesObject>(
    kind: Kind<T>,
    key: ObjectKey,
    call: { subresource: string; body: JsonObject },
  ): Promise<JsonObject>
  /** For what has no kind at compile time: custom resources, discovery. */
  readonly transport: ApiTransport
}
