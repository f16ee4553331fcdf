import type { JsonObject, JsonValue } from './json.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

/** The media types of PATCH bodies, by the names that `kubectl patch --type` uses. */
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

/** The query parameters of API conventions, decoded. Absent means "not given", never a default. */
export interface CallOptions {
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan'
  readonly sendInitialEvents?: boolean
  readonly allowWatchBookmarks?: boolean
  readonly timeoutSeconds?: number
  readonly dryRun?: boolean
  readonly fieldManager?: string
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict'
  readonly force?: boolean
}

/** One request for a resource, free of HTTP. The server's HTTP edge makes these; so does the in-process client. */
export interface ApiCall {
  readonly verb: Verb
  readonly group: string
  readonly version: string
  /** Plural, for example `statefulsets`. */
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly options?: CallOptions
  /** The object to write, a patch, or DeleteOptions. */
  readonly body?: JsonValue
  readonly patchType?: PatchType
}

export interface WatchEvent<T = JsonObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: T
}

/**
 * How a client reaches a server, in one process or over HTTPS. Failures are `StatusError`s; anything else thrown
 * means that the outcome is unknown (the connection broke). Objects that come back are shared: never change them.
 */
export interface ApiTransport {
  /** Every verb but `watch`. Resolves with the object, list or Status that the server answers. */
  request(call: ApiCall, signal?: AbortSignal): Promise<JsonObject>
  /**
   * Streams changes until the server's timeout ends it (returns), the signal is aborted (returns), or it fails
   * (throws; an ERROR event from the server is thrown as the StatusError it carries, `Expired` when too old).
   */
  watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent>
}
