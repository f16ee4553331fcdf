import type { KeyRange } from '../../store/store.ts'

/**
 * The keys of a changing set in order. Changes are gathered and merged when somebody reads, so that neither a burst of
 * writes nor a burst of reads sorts more than once.
 */
export class SortedKeys {
  #sorted: string[] = []
  #added = new Set<string>()
  #removed = new Set<string>()

  add(key: string): void {
    if (!this.#removed.delete(key)) this.#added.add(key)
  }

  remove(key: string): void {
    if (!this.#added.delete(key)) this.#removed.add(key)
  }

  clear(): void {
    this.#sorted = []
    this.#added = new Set()
    this.#removed = new Set()
  }

  /** The keys from `start` up to but without `end`. */
  within({ start, end }: KeyRange): readonly string[] {
    this.#settle()
    const from = firstAtOrAfter(this.#sorted, start)
    const to = firstAtOrAfter(this.#sorted, end)
    return from === 0 && to === this.#sorted.length ? this.#sorted : this.#sorted.slice(from, to)
  }

  #settle(): void {
    if (this.#added.size === 0 && this.#removed.size === 0) return
    const kept = this.#removed.size === 0 ? this.#sorted : this.#sorted.filter(key => !this.#removed.has(key))
    this.#sorted = merged(kept, [...this.#added].sort())
    this.#added = new Set()
    this.#removed = new Set()
  }
}

function merged(left: readonly string[], right: readonly string[]): string[] {
  if (right.length === 0) return [...left]
  const result: string[] = []
  let next = 0
  for (const key of left) {
    while (next < right.length && right[next]! < key) result.push(right[next++]!)
    result.push(key)
  }
  while (next < right.length) result.push(right[next++]!)
  return result
}

function firstAtOrAfter(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
