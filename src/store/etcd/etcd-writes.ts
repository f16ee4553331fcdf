import { checkCondition } from '../conditions.ts'
import { type Create, type Delete, type Revision, revision, StoreError, type Update } from '../store.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import {
  COMPARE,
  type Compare,
  numberFrom,
  type RequestOp,
  type TxnRequest,
  type TxnResponse,
} from './etcd-messages.ts'

/** A write with its condition, as one transaction; if the condition fails it reads what stands there instead. */
export function txnOf(keys: EtcdKeys, write: Create | Update | Delete, expiresAtMs: number | undefined): TxnRequest {
  const key = keys.of(write.key)
  return {
    compare: comparesOf(key, write),
    success: successOf(keys, write, expiresAtMs),
    failure: [{ request_range: { key } }],
  }
}

function successOf(keys: EtcdKeys, write: Create | Update | Delete, expiresAtMs: number | undefined): RequestOp[] {
  const key = keys.of(write.key)
  if (write.type === 'delete') return [{ request_delete_range: { key } }]
  const put: RequestOp = { request_put: { key, value: write.value } }
  if (expiresAtMs === undefined) return [put]
  return [put, { request_put: { key: keys.ofExpiry(write.key), value: Buffer.from(String(expiresAtMs)) } }]
}

function comparesOf(key: Buffer, write: Create | Update | Delete): Compare[] {
  const { equal, greater, create, mod } = COMPARE
  if (write.type === 'create') return [{ result: equal, target: create, key, create_revision: 0 }]
  const atRevision: Compare = { result: equal, target: mod, key, mod_revision: write.ifRevision }
  // For etcd a key that is not there has revision 0.
  return write.ifRevision === 0
    ? [{ result: greater, target: create, key, create_revision: 0 }, atRevision]
    : [atRevision]
}

/** The revision that a transaction made. Throws why it did not. */
export function outcomeOf(keys: EtcdKeys, write: Create | Update | Delete, response: TxnResponse): Revision {
  if (response.succeeded) return revision(numberFrom(response.header.revision))
  const [standing] = response.responses[0]?.response_range?.kvs ?? []
  checkCondition(write, standing && keys.entryOf(standing))
  throw new StoreError('unavailable', `etcd refused the ${write.type} of ${write.key} for no reason`)
}
