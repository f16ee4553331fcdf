import protobuf from 'protobufjs'
import etcdProtobuf from '../../../data/etcd-protobuf.json' with { type: 'json' }
import type {
  AuthenticateRequest,
  AuthenticateResponse,
  CompactionRequest,
  CompactionResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
  WatchRequest,
  WatchResponse,
} from './etcd-messages.ts'

/** How one call of the API is named and written. */
export interface EtcdMethod<Request, Response> {
  readonly path: string
  /** Whether doing it twice is as good as once. */
  readonly isRead: boolean
  serialize(request: Request): Buffer
  deserialize(bytes: Buffer): Response
}

// The compiler reads the file more narrowly than the library's type has it.
const root = protobuf.Root.fromJSON(etcdProtobuf as protobuf.INamespace)

export const range = method<RangeRequest, RangeResponse>('KV', 'Range', { isRead: true })
export const txn = method<TxnRequest, TxnResponse>('KV', 'Txn')
export const compact = method<CompactionRequest, CompactionResponse>('KV', 'Compact', { isRead: true })
export const watch = method<WatchRequest, WatchResponse>('Watch', 'Watch')
export const authenticate = method<AuthenticateRequest, AuthenticateResponse>('Auth', 'Authenticate', { isRead: true })

function method<Request extends object, Response>(
  service: string,
  name: string,
  { isRead } = { isRead: false },
): EtcdMethod<Request, Response> {
  const { requestType, responseType } = root.lookupService(`etcdserverpb.${service}`).methods[name]!
  const request = root.lookupType(`etcdserverpb.${requestType}`)
  const response = root.lookupType(`etcdserverpb.${responseType}`)
  return {
    path: `/etcdserverpb.${service}/${name}`,
    isRead,
    // On Node.js protobufjs writes into a Buffer.
    serialize: message => request.encode(message).finish() as Buffer,
    // The description that it was decoded with says that it has these fields.
    deserialize: bytes => response.decode(bytes) as unknown as Response,
  }
}
