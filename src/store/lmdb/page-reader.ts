import { sortKey } from '../sort-key.ts'
import type { Entry, Key, KeyRange, Page, Revision } from '../store.ts'
import { decodeEntry, keyBytes, keyOfBytes } from './layout.ts'
import type { Past, Tables } from './tables.ts'

export interface PageRequest {
  readonly range: KeyRange
  readonly at: Revision
  readonly limit: number
}

/** A page as of head. `underWay` holds what stands at keys that are being written, whose writes may be visible already. */
export function pageAtHead(
  tables: Tables,
  { range, at, limit }: PageRequest,
  underWay: ReadonlyMap<Key, Entry | undefined> | undefined,
): Page {
  const pasts = [...(underWay ?? [])]
    .map(([key, entry]) => ({ keyBytes: keyBytes(key), entry }))
    .filter(past => isWithin(past.keyBytes, range))
    .sort((a, b) => Buffer.compare(a.keyBytes, b.keyBytes))
  return merged(tables, { range, at, limit }, pasts.values())
}

/** A page as of an earlier revision. */
export function pageInPast(tables: Tables, request: PageRequest): Page {
  const { start, end } = request.range
  return merged(tables, request, tables.pasts(keyBytes(start), keyBytes(end), request.at))
}

/** What stands now, with `pasts` put in the place of their keys; those say what differed. Both are in key order. */
function merged(tables: Tables, { range, at, limit }: PageRequest, pasts: Iterator<Past, void, void>): Page {
  const entries: Entry[] = []
  const page = (next?: Key): Page => ({ revision: at, entries, ...(next !== undefined && { next }) })
  let past = pasts.next()
  if (sortKey(range.start) >= sortKey(range.end)) return page()
  const bounds = { start: keyBytes(range.start), end: keyBytes(range.end) }
  for (const { key, value } of tables.current.getRange(bounds)) {
    let isReplaced = false
    for (; !past.done; past = pasts.next()) {
      const order = Buffer.compare(past.value.keyBytes, key)
      if (order > 0) break
      isReplaced ||= order === 0
      if (!past.value.entry) continue
      if (entries.length === limit) return page(past.value.entry.key)
      entries.push(past.value.entry)
    }
    if (isReplaced) continue
    if (entries.length === limit) return page(keyOfBytes(key))
    entries.push(decodeEntry(keyOfBytes(key), value))
  }
  for (; !past.done; past = pasts.next()) {
    if (!past.value.entry) continue
    if (entries.length === limit) return page(past.value.entry.key)
    entries.push(past.value.entry)
  }
  return page()
}

const isWithin = (key: Buffer, { start, end }: KeyRange): boolean =>
  Buffer.compare(key, keyBytes(start)) >= 0 && Buffer.compare(key, keyBytes(end)) < 0
