import { serviceUnavailable } from '../../machinery/status.ts'
import { type Revision, type Store, StoreError } from '../../store/store.ts'

/**
 * The revision that a reader who names none must see. A store that only this process writes knows it by itself; one
 * that others write too has to ask its storage. Fails with 503 when that cannot tell.
 */
export function freshRevision({ store }: { readonly store: Store }): Revision | Promise<Revision> {
  try {
    return store.confirmHead ? store.confirmHead().catch(throwUnavailable) : store.head()
  } catch (error) {
    return throwUnavailable(error)
  }
}

/** For reads, which no condition of a write can fail: any failure of the store is its absence. */
export function throwUnavailable(error: unknown): never {
  if (error instanceof StoreError) throw serviceUnavailable('the storage is not available', error)
  throw error
}
