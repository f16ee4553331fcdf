import type { QuickQuery } from './query.ts'

/** Questions remembered; past this the cache starts anew, which costs one encoding for each question asked again. */
const QUESTIONS_MAX = 10_000
/** How many orders of the same records are kept ready. */
const ORDERS_MAX = 8

/** The same answer in several orders of its records, taken in turn. */
interface Orders {
  readonly encode: (order: number) => Buffer
  readonly encoded: (Buffer | undefined)[]
  next: number
}

/** Encoded answers by question, valid for one version of the cluster and dropped all at once when it changes. */
export class AnswerCache {
  readonly #answers = new Map<string, Orders>()
  #version = -1

  /** The answer's bytes as of the given version; they belong to the cache and must be copied. */
  take(key: string, version: number): Buffer | undefined {
    if (version !== this.#version) {
      this.#answers.clear()
      this.#version = version
    }
    const orders = this.#answers.get(key)
    return orders && inTurn(orders)
  }

  /** Remembers an answer of the version last taken at; `encode` makes its bytes for each of `count` orders. */
  put(key: string, { count, encode }: { count: number; encode: (order: number) => Buffer }): Buffer {
    if (this.#answers.size >= QUESTIONS_MAX) this.#answers.clear()
    const orders = {
      encode,
      encoded: Array<undefined>(Math.min(Math.max(count, 1), ORDERS_MAX)).fill(undefined),
      next: 0,
    }
    this.#answers.set(key, orders)
    return inTurn(orders)
  }
}

function inTurn(orders: Orders): Buffer {
  const { next, encoded } = orders
  orders.next = (next + 1) % encoded.length
  encoded[next] ??= orders.encode(next)
  return encoded[next]
}

/** Equal for questions that have the same answer: the folded question, and in which shape the client takes it. */
export const questionKey = (packet: Buffer, { questionEnd, bytesMax, hasEdns, dnssecOk }: QuickQuery): string =>
  `${packet.toString('latin1', 12, questionEnd).toLowerCase()}${bytesMax}${hasEdns ? (dnssecOk ? 'd' : 'e') : ''}`
