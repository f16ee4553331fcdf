/** A binary heap: `pop` answers an element before which no other comes. */
export class Heap<T> {
  readonly #comesBefore: (a: T, b: T) => boolean
  readonly #items: T[] = []

  constructor(comesBefore: (a: T, b: T) => boolean) {
    this.#comesBefore = comesBefore
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#comesBefore(items[at]!, items[parent]!)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length === 0) return first
    items[0] = last!
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      let next = at
      if (left < items.length && this.#comesBefore(items[left]!, items[next]!)) next = left
      if (left + 1 < items.length && this.#comesBefore(items[left + 1]!, items[next]!)) next = left + 1
      if (next === at) return first
      this.#swap(at, next)
      at = next
    }
  }

  #swap(a: number, b: number): void {
    const items = this.#items
    ;[items[a], items[b]] = [items[b]!, items[a]!]
  }
}
