import type { Change, Create, Delete, Entry, Key, Revision, Update } from './store.ts'

/** What `write` does at revision `at` to a key where `previous` stood. Its condition was checked. */
export function changeOf(
  write: Create | Update | Delete,
  { previous, at }: { previous: Entry | undefined; at: Revision },
): Change {
  if (write.type === 'delete') return { type: 'delete', key: write.key, revision: at, previous: previous! }
  const entry: Entry = {
    key: write.key,
    value: write.value,
    createRevision: previous?.createRevision ?? at,
    modRevision: at,
    version: (previous?.version ?? 0) + 1,
  }
  return previous ? { type: 'put', entry, previous } : { type: 'put', entry }
}

export const keyOf = (change: Change): Key => (change.type === 'put' ? change.entry.key : change.key)

export const revisionOf = (change: Change): Revision =>
  change.type === 'put' ? change.entry.modRevision : change.revision
