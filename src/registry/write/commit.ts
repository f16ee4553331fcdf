import type { JsonObject } from '../../machinery/json.ts'
import {
  alreadyExists,
  conflict,
  expired,
  notFound,
  requestEntityTooLarge,
  type StatusError,
  serviceUnavailable,
  timedOut,
} from '../../machinery/status.ts'
import type { Revision, StoreError } from '../../store/store.ts'
import { CachedObject } from '../cache/cached-object.ts'
import { resourceNameOf, type ServedKind } from '../served-kind.ts'
import type { WriteScope } from './write-environment.ts'

/** The bytes to store: version, kind and metadata first, without the revision, which the store itself knows. */
export function storedBytes(object: JsonObject): Uint8Array {
  const { apiVersion, kind, metadata, ...rest } = object
  const { resourceVersion: _, ...kept } = metadata as JsonObject
  return Buffer.from(JSON.stringify({ apiVersion, kind, metadata: kept, ...rest }))
}

/** The one place where a store failure becomes an API failure. */
export function statusErrorOf(error: StoreError, kind: ServedKind, name: string): StatusError {
  const resource = resourceNameOf(kind)
  switch (error.code) {
    case 'exists':
      return alreadyExists(resource, name)
    case 'absent':
      return notFound(resource, name)
    case 'conflict':
      return conflict(resource, name)
    case 'compacted':
    case 'behind':
      return expired('The resourceVersion for the provided watch is too old.')
    case 'future':
      return timedOut('Too large resource version')
    case 'invalid':
      return requestEntityTooLarge(`the object is too large to be stored: ${error.message}`)
    case 'full':
      return serviceUnavailable('the disk is full; nothing was written', error)
    case 'closed':
    case 'unavailable':
      return serviceUnavailable('the storage is not available', error)
  }
}

interface StoredWrite {
  readonly key: string
  /** As stored: in the version that the store keeps. */
  readonly object: JsonObject
  readonly stored: Uint8Array
  /** The revision that it replaces; absent for a new object. */
  readonly ifRevision?: Revision
}

/** Writes one object and returns it as every reader will see it from now on. Throws `StoreError`. */
export async function commitObject(scope: WriteScope, write: StoredWrite): Promise<CachedObject> {
  const { kind, environment } = scope
  const { key, object, stored, ifRevision } = write
  const { ttlMs } = kind.differences
  const expiring = ttlMs === undefined ? {} : { ttlMs }
  kind.cache.expect(key, stored, object)
  try {
    const revision = await environment.store.commit(
      ifRevision === undefined
        ? { type: 'create', key, value: stored, ...expiring }
        : { type: 'update', key, value: stored, ifRevision, ...expiring },
    )
    await environment.mirror.reached(revision)
    const seen = kind.cache.find(key)
    return seen?.revision === revision ? seen : new CachedObject({ key, revision }, stored, object)
  } catch (error) {
    kind.cache.unexpect(key, stored)
    throw error
  }
}

/** Removes one object. Throws `StoreError`. */
export async function commitDeletion({ environment }: WriteScope, current: CachedObject): Promise<Revision> {
  const revision = await environment.store.commit({ type: 'delete', key: current.key, ifRevision: current.revision })
  await environment.mirror.reached(revision)
  return revision
}

/** The newest state of an object, from the store itself: after a conflict the cache may not have it yet. */
export async function newest({ kind, environment }: WriteScope, key: string): Promise<CachedObject | undefined> {
  const entry = await environment.store.get(key)
  if (!entry) return undefined
  await environment.mirror.reached(entry.modRevision)
  const cached = kind.cache.find(key)
  return cached && cached.revision >= entry.modRevision
    ? cached
    : new CachedObject({ key, revision: entry.modRevision }, entry.value)
}
