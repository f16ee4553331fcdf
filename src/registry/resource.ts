import type { ApiCall, Verb, WatchEvent } from '../machinery/api-call.ts'
import type { JsonObject } from '../machinery/json.ts'

/** Who asks, as authentication found it (authentication.k8s.io/v1 UserInfo). */
export interface UserInfo {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: { readonly [key: string]: readonly string[] }
}

/** What surrounds one call. */
export interface CallContext {
  readonly user: UserInfo
  /** Adds a `Warning` header (RFC 9110, code 299) to the reply. */
  warn(text: string): void
  /** Called when a write has made an object: also an update or an apply can, and is answered as what it was (201). */
  created?(): void
  readonly signal?: AbortSignal
}

/** What discovery tells of a resource. */
export interface ResourceInfo {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly Verb[]
  readonly subresources: readonly SubresourceInfo[]
  /** Name of its schema in `/openapi`, for example `io.k8s.api.apps.v1.StatefulSet`. */
  readonly schema: string
}

export interface SubresourceInfo {
  readonly name: string
  readonly group?: string
  readonly version?: string
  readonly kind: string
  readonly verbs: readonly Verb[]
}

/** An object with the bytes that every reader of this revision shares. */
export interface Encoded {
  readonly object: JsonObject
  /** Where it is stored, `/apps/statefulsets/default/web`, and since which revision; absent for what is not stored so. */
  readonly key?: string
  readonly revision?: number
  /** Whatever of its JSON is there already, perhaps without its revision: for who only looks for something in it. */
  peek?(): Uint8Array
  /** Its JSON in UTF-8, made on first use and kept. */
  json(): Uint8Array
}

export interface EncodedList {
  readonly resourceVersion: string
  readonly continue?: string
  readonly remainingItemCount?: number
  readonly items: readonly Encoded[]
}

export interface EncodedWatchEvent {
  readonly type: WatchEvent['type']
  readonly encoded: Encoded
}

/** The events of one watch. Each `next` costs a turn of the microtask queue, which a thousand watchers feel. */
export interface EncodedWatch extends AsyncIterable<EncodedWatchEvent> {
  [Symbol.asyncIterator](): EncodedWatchIterator
}

export interface EncodedWatchIterator extends AsyncIterator<EncodedWatchEvent> {
  /** The next event if it is there already; nothing may be awaited from `next` meanwhile. */
  take?(): EncodedWatchEvent | undefined
}

/** One kind, served. Authentication and authorisation are already done; admission happens inside writes. */
export interface Resource {
  readonly info: ResourceInfo
  /** Every verb but list and watch, on the resource or a subresource that needs no machine. */
  handle(call: ApiCall, context: CallContext): Promise<Encoded>
  list(call: ApiCall, context: CallContext): Promise<EncodedList>
  watch(call: ApiCall, context: CallContext & { readonly signal: AbortSignal }): EncodedWatch
  /** Rows and columns of `Table` output for these objects (API conventions, "Receiving resources as Tables"). */
  table(objects: readonly JsonObject[], now: Date): ResourceTable
}

export interface ResourceTable {
  readonly columnDefinitions: readonly {
    readonly name: string
    readonly type: string
    readonly format: string
    readonly description: string
    readonly priority: number
  }[]
  readonly rows: readonly {
    readonly cells: readonly (string | number | boolean | null)[]
    readonly object: JsonObject
  }[]
}

/** All resources served now. Custom ones come and go. */
export interface Registry {
  /** Whether other processes write to its store too. */
  readonly isShared: boolean
  find(group: string, version: string, plural: string): Resource | undefined
  resources(): readonly Resource[]
  /** Calls back after resources were added or removed. */
  onChange(listener: () => void): Disposable
  /** Resolves once every watch cache holds the store's state. */
  whenReady(): Promise<void>
  close(): Promise<void>
}

/** One write on its way in, as admission sees it. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly resource: ResourceInfo
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  /** What would be stored. Absent on DELETE. */
  readonly object?: JsonObject
  readonly oldObject?: JsonObject
  readonly user: UserInfo
  readonly dryRun: boolean
  warn(text: string): void
}

/**
 * One rule about who may write what. Plugins run in a written order: every `mutate`, then schema and kind validation,
 * then every `validate`. Either throws a `StatusError` to refuse.
 */
export interface AdmissionPlugin {
  readonly name: string
  /** Whether it may have anything to say about writes of this resource; asked once for each. Absent: about all. */
  concerns?(resource: ResourceInfo): boolean
  /** Returns the object to go on with: the same, or a changed copy. */
  mutate?(request: AdmissionRequest): JsonObject | Promise<JsonObject>
  /** May hold something back until the write is done: what it returns runs after the commit, or after its failure. */
  validate?(request: AdmissionRequest): AdmissionHold | Promise<AdmissionHold>
}

/** Called with whether the write went through; quota gives back what it had reserved. */
export type AdmissionHold = ((committed: boolean) => void) | undefined
