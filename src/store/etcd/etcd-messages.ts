/** The messages of etcd's API, version 3, as far as they are used here. Fields that are absent have their zero value. */

/** A 64-bit number: decoded as a `Long` where the library is there, encoded from a number. */
export type Int64 = number | { toNumber(): number }

export const numberFrom = (value: Int64 | null | undefined): number =>
  typeof value === 'object' && value !== null ? value.toNumber() : (value ?? 0)

export interface ResponseHeader {
  readonly revision: Int64
}

export interface KeyValue {
  readonly key: Uint8Array
  readonly create_revision: Int64
  readonly mod_revision: Int64
  readonly version: Int64
  readonly value: Uint8Array
}

export interface RangeRequest {
  readonly key: Uint8Array
  readonly range_end?: Uint8Array
  readonly limit?: number
  readonly revision?: number
  readonly keys_only?: boolean
  readonly count_only?: boolean
}

export interface RangeResponse {
  readonly header: ResponseHeader
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
  readonly count: Int64
}

export const COMPARE = { equal: 0, greater: 1, create: 1, mod: 2 } as const

export interface Compare {
  readonly result: (typeof COMPARE)['equal' | 'greater']
  readonly target: (typeof COMPARE)['create' | 'mod']
  readonly key: Uint8Array
  readonly create_revision?: number
  readonly mod_revision?: number
}

export type RequestOp =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: { readonly key: Uint8Array; readonly value: Uint8Array } }
  | { readonly request_delete_range: { readonly key: Uint8Array } }

export interface TxnRequest {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure: readonly RequestOp[]
}

export interface TxnResponse {
  readonly header: ResponseHeader
  readonly succeeded: boolean
  readonly responses: readonly { readonly response_range?: RangeResponse }[]
}

export interface CompactionRequest {
  readonly revision: number
}

export interface CompactionResponse {
  readonly header: ResponseHeader
}

export interface WatchRequest {
  readonly create_request: {
    readonly key: Uint8Array
    readonly range_end: Uint8Array
    readonly start_revision: number
    readonly progress_notify: boolean
    readonly prev_kv: boolean
  }
}

export interface WatchEvent {
  /** 0 is a put, 1 a deletion. */
  readonly type: number
  readonly kv: KeyValue
  readonly prev_kv?: KeyValue | null
}

export interface WatchResponse {
  readonly header: ResponseHeader
  readonly created: boolean
  readonly canceled: boolean
  readonly compact_revision: Int64
  readonly cancel_reason: string
  readonly events: readonly WatchEvent[]
}

export interface AuthenticateRequest {
  readonly name: string
  readonly password: string
}

export interface AuthenticateResponse {
  readonly token: string
}
