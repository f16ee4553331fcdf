import type { Revision, Store } from '../../store/store.ts'

/**
 * The revision that a reader who names none must see. A store that only this process writes knows it by itself; one
 * that others write too has to ask its storage.
 */
export const freshRevision = ({ store }: { readonly store: Store }): Revision | Promise<Revision> =>
  store.confirmHead ? store.confirmHead() : store.head()
