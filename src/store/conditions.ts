import { type Create, type Delete, type Entry, StoreError, type Update } from './store.ts'

/** Throws `exists`, `absent` or `conflict` unless `write` may follow what stands at its key now. */
export function checkCondition(write: Create | Update | Delete, current: Entry | undefined): void {
  if (write.type === 'create') {
    if (current)
      throw new StoreError('exists', `${write.key} exists since revision ${current.createRevision}`, { current })
    return
  }
  if (!current) throw new StoreError('absent', `${write.key} does not exist`)
  if (current.modRevision !== write.ifRevision)
    throw new StoreError('conflict', `${write.key} is at revision ${current.modRevision}, not ${write.ifRevision}`, {
      current,
    })
}
