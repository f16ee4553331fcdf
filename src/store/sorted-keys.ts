const BLOCK_KEYS_MAX = 512

/** An ordered set of strings. Adding and removing move at most one block of keys, so 100,000 keys stay cheap. */
export class SortedKeys {
  readonly #blocks: string[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(key: string): void {
    const blockIndex = this.#blockFor(key)
    const block = this.#blocks[blockIndex]
    if (!block) {
      this.#blocks.push([key])
      this.#size++
      return
    }
    const index = lowerBound(block, key)
    if (block[index] === key) return
    block.splice(index, 0, key)
    this.#size++
    if (block.length > BLOCK_KEYS_MAX) this.#blocks.splice(blockIndex + 1, 0, block.splice(BLOCK_KEYS_MAX / 2))
  }

  delete(key: string): void {
    const blockIndex = this.#blockFor(key)
    const block = this.#blocks[blockIndex]
    if (!block) return
    const index = lowerBound(block, key)
    if (block[index] !== key) return
    block.splice(index, 1)
    this.#size--
    if (block.length === 0) this.#blocks.splice(blockIndex, 1)
  }

  /** Keys from `start` up to but without `end`. The set must not change while they are read. */
  *from(start: string, end: string): Generator<string, void, void> {
    for (let blockIndex = this.#blockFor(start); blockIndex < this.#blocks.length; blockIndex++) {
      const block = this.#blocks[blockIndex]!
      for (let i = lowerBound(block, start); i < block.length; i++) {
        const key = block[i]!
        if (key >= end) return
        yield key
      }
    }
  }

  /** How many keys lie from `start` up to but without `end`. */
  count(start: string, end: string): number {
    return Math.max(0, this.#rank(end) - this.#rank(start))
  }

  #rank(key: string): number {
    const blockIndex = this.#blockFor(key)
    let rank = 0
    for (let i = 0; i < blockIndex; i++) rank += this.#blocks[i]!.length
    const block = this.#blocks[blockIndex]
    return block ? rank + lowerBound(block, key) : rank
  }

  /** The last block whose first key is not above `key`, or the first block. */
  #blockFor(key: string): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#blocks[middle]![0]! <= key) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}

/** Where `key` stands in `sorted`, or would. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
