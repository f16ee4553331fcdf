import type { Commands } from '../../machinery/commands.ts'
import { STAMP_SET, TABLE, type Transaction } from './table.ts'

/** It remembers every line that it was told, so after so many of them another one takes its place. */
const TRANSACTIONS_MAX = 1000
/** It takes its lines byte by byte: what is longer is better read from a file. */
export const SESSION_CHARACTERS_MAX = 64 * 1024
const REFUSAL = /^(Error|.*: Error): /
const STAMPED = /^\s*elements = \{ (0x[0-9a-f]+) \}$/
/** Errors in their place among the answers, and no history of what was said in anyone's home. */
const PROGRAM = 'HOME=/dev/null exec nft -i 2>&1'

/** The kernel took none of a transaction. */
export class RefusedTransaction extends Error {
  override name = 'RefusedTransaction'
}

/** An `nft` that stays: a change takes two milliseconds so, where starting a program takes twenty. One transaction at a time. */
export class NftSession implements AsyncDisposable {
  #left = TRANSACTIONS_MAX
  readonly #told = new Outbox()
  readonly #answers: AsyncIterator<string>
  readonly #stop = new AbortController()

  constructor(commands: Commands) {
    this.#answers = commands
      .lines('sh', ['-c', PROGRAM], this.#stop.signal, { input: this.#told })
      [Symbol.asyncIterator]()
  }

  get isUsedUp(): boolean {
    return this.#left === 0
  }

  /**
   * Resolves once the kernel has it. Throws `RefusedTransaction`, or something else when the program ended; the session
   * is of no use after either.
   */
  async write({ commands, stamp }: Transaction): Promise<void> {
    this.#left--
    // One line is one transaction. It says nothing of those that went well, so it is asked what stands there now.
    this.#told.put(`${commands.trimEnd().replaceAll('\n', '; ')}\nlist set ${TABLE} ${STAMP_SET}\n`)
    for (;;) {
      const { value: line, done } = await this.#answers.next()
      if (done) throw new Error('nft ended')
      if (REFUSAL.test(line)) throw new RefusedTransaction(line)
      if (STAMPED.exec(line)?.[1] === stamp) return
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#told.put(undefined)
    await this.#answers.return?.()
  }
}

/** What is to be said, until `undefined` is put. */
class Outbox implements AsyncIterable<string> {
  readonly #waiting: (string | undefined)[] = []
  #more = Promise.withResolvers<void>()

  put(text: string | undefined): void {
    this.#waiting.push(text)
    this.#more.resolve()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, void> {
    for (;;) {
      await this.#more.promise
      this.#more = Promise.withResolvers()
      for (const text of this.#waiting.splice(0)) {
        if (text === undefined) return
        yield text
      }
    }
  }
}
