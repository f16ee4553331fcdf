import { type AddressRange, addressRangeOf, addressTextOf } from '../../machinery/address-range.ts'

export interface PodRangeOptions {
  /** The addresses of all Pods, for example `10.244.0.0/16`. */
  readonly clusterRange: string
  /** Prefix length of the range of one machine. */
  readonly nodePrefix: number
}

/** The ranges that machines may have, and which of them are in use. Another look costs no more for thousands of machines. */
export class PodRanges {
  readonly #prefix: number
  readonly #first: number
  readonly #size: number
  readonly #count: number
  /** How many ranges in use overlap each range of a machine's size, by its number. */
  readonly #users = new Map<number, number>()
  /** Every range below this one is in use. */
  #lowest = 0

  constructor({ clusterRange, nodePrefix }: PodRangeOptions) {
    const cluster = addressRangeOf(clusterRange)
    this.#prefix = nodePrefix
    this.#first = cluster.first
    this.#size = 2 ** (32 - nodePrefix)
    this.#count = Math.floor(cluster.size / this.#size)
  }

  /** A range is in use now, by one more. Of any size: it takes all that it overlaps. */
  take(range: string): void {
    for (const number of this.#overlapping(range)) this.#users.set(number, (this.#users.get(number) ?? 0) + 1)
  }

  release(range: string): void {
    for (const number of this.#overlapping(range)) {
      const left = (this.#users.get(number) ?? 0) - 1
      if (left > 0) {
        this.#users.set(number, left)
        continue
      }
      this.#users.delete(number)
      this.#lowest = Math.min(this.#lowest, number)
    }
  }

  /** The first range that overlaps none in use; undefined when all are taken. */
  free(): string | undefined {
    while (this.#lowest < this.#count && this.#users.has(this.#lowest)) this.#lowest++
    if (this.#lowest === this.#count) return undefined
    return `${addressTextOf(this.#first + this.#lowest * this.#size)}/${this.#prefix}`
  }

  *#overlapping(text: string): Iterable<number> {
    const range = ipv4RangeIn(text)
    if (!range) return
    const { first, size } = range
    const from = Math.max(0, Math.floor((first - this.#first) / this.#size))
    const to = Math.min(this.#count - 1, Math.floor((first + size - 1 - this.#first) / this.#size))
    for (let number = from; number <= to; number++) yield number
  }
}

/** Nothing for IPv6, of which machines get none, and for text that somebody wrote by hand and that is no range. */
function ipv4RangeIn(text: string): AddressRange | undefined {
  try {
    return addressRangeOf(text)
  } catch {
    return undefined
  }
}
