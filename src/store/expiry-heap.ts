import type { Expiry } from './driver.ts'

/** Expiries by time, earliest first; those of one moment in the order in which they were added. */
export class ExpiryHeap {
  readonly #heap: Expiry[] = []

  /** All of them, in no particular order. */
  values(): IterableIterator<Expiry> {
    return this.#heap.values()
  }

  first(): Expiry | undefined {
    return this.#heap[0]
  }

  add(expiry: Expiry): void {
    const heap = this.#heap
    let child = heap.push(expiry) - 1
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!isBefore(expiry, heap[parent]!)) break
      heap[child] = heap[parent]!
      child = parent
    }
    heap[child] = expiry
  }

  /** Removes those that are due at `nowMs`, at most `limit`. */
  takeDue(nowMs: number, limit: number): readonly Expiry[] {
    const due: Expiry[] = []
    for (let first = this.first(); first && first.atMs <= nowMs && due.length < limit; first = this.first()) {
      due.push(first)
      this.#removeFirst()
    }
    return due
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let parent = 0
    for (let child = 1; child < heap.length; child = 2 * parent + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[parent] = heap[child]!
      parent = child
    }
    heap[parent] = last
  }
}

const isBefore = (a: Expiry, b: Expiry): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.modRevision < b.modRevision)
