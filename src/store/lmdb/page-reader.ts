import { sortKey } from '../sort-key.ts'
import type { Entry, Key, KeyRange, Page, Revision } from '../store.ts'
import type { Past } from './history.ts'
import { decodeEntry, keyBytes, keyOfBytes } from './layout.ts'
import type { Tables } from './tables.ts'

export interface PageRequest {
  readonly range: KeyRange
  readonly at: Revision
  readonly limit: number
}

/** A page of what the tables show, with `pasts` in the place of their keys; those say what differed. In key order. */
export function readPage(tables: Tables, request: PageRequest, pasts: Iterator<Past, void, void>): Page {
  const page = new PageBuilder(request)
  const { start, end } = request.range
  if (sortKey(start) >= sortKey(end)) return page.build()
  let past = pasts.next()
  // As a rule nothing differs; then keys need not be compared.
  let pastBytes = past.done ? undefined : keyBytes(past.value.key)
  for (const { key, value } of tables.rows(keyBytes(start), keyBytes(end))) {
    let isReplaced = false
    while (!past.done && pastBytes) {
      const order = Buffer.compare(pastBytes, key)
      if (order > 0) break
      isReplaced ||= order === 0
      if (past.value.entry && !page.add(past.value.entry)) return page.build()
      past = pasts.next()
      pastBytes = past.done ? undefined : keyBytes(past.value.key)
    }
    if (!isReplaced && !page.addRow(key, value)) return page.build()
  }
  for (; !past.done; past = pasts.next()) if (past.value.entry && !page.add(past.value.entry)) break
  return page.build()
}

class PageBuilder {
  #next: Key | undefined
  readonly #entries: Entry[] = []
  readonly #request: PageRequest

  constructor(request: PageRequest) {
    this.#request = request
  }

  /** Whether the page took it. If not it is full, and the next page begins there. */
  add(entry: Entry): boolean {
    if (this.#isFull(entry.key)) return false
    this.#entries.push(entry)
    return true
  }

  addRow(key: Buffer, value: Buffer): boolean {
    const name = keyOfBytes(key)
    if (this.#isFull(name)) return false
    this.#entries.push(decodeEntry(name, value))
    return true
  }

  build(): Page {
    const page = { revision: this.#request.at, entries: this.#entries }
    return this.#next === undefined ? page : { ...page, next: this.#next }
  }

  #isFull(next: Key): boolean {
    if (this.#entries.length < this.#request.limit) return false
    this.#next = next
    return true
  }
}
