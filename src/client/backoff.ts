import type { Random } from '../machinery/random.ts'

/** Growing pauses between tries: doubled each time up to a bound, shortened by chance so that many do not march in step. */
export class Backoff {
  readonly #firstMs: number
  readonly #lastMs: number
  readonly #random: Random | undefined
  #tries = 0

  constructor({ firstMs, lastMs, random }: { firstMs: number; lastMs: number; random?: Random }) {
    this.#firstMs = firstMs
    this.#lastMs = lastMs
    this.#random = random
  }

  /** The next pause; without a random source exactly `firstMs · 2ⁿ`, with one between half of that and all of it. */
  nextMs(): number {
    const fullMs = Math.min(this.#lastMs, this.#firstMs * 2 ** Math.min(this.#tries++, 40))
    return this.#random ? fullMs * (0.5 + this.#random.float() / 2) : fullMs
  }

  reset(): void {
    this.#tries = 0
  }
}
