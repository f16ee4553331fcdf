import type { Commands } from '../../machinery/commands.ts'
import type { Logger } from '../../machinery/logger.ts'
import { NftSession, RefusedTransaction, SESSION_CHARACTERS_MAX } from './nft-session.ts'
import type { Transaction } from './table.ts'

/** Brings transactions into the kernel: small ones through an `nft` that stays, if there can be one here. */
export class RuleWriter implements AsyncDisposable {
  #session: NftSession | undefined
  /** Not every `nft` was built to be spoken to. */
  #canStay = true
  readonly #commands: Commands
  readonly #logger: Logger

  constructor(commands: Commands, logger: Logger) {
    this.#commands = commands
    this.#logger = logger
  }

  /** Resolves once the kernel has it; throws when it was refused. */
  async write(transaction: Transaction): Promise<void> {
    const { commands: input, isWhole } = transaction
    const isSmall = !isWhole && input.length <= SESSION_CHARACTERS_MAX
    if (!(isSmall && this.#canStay && (await this.#said(transaction))))
      await this.#commands.run('nft', ['-f', '-'], { input })
  }

  /** Whether the kernel has it for sure. If not it may have it all the same, and then refuses it the second time. */
  async #said(transaction: Transaction): Promise<boolean> {
    const isFirst = !this.#session
    this.#session ??= new NftSession(this.#commands)
    try {
      await this.#session.write(transaction)
      if (this.#session.isUsedUp) await this.#end()
      return true
    } catch (error) {
      await this.#end()
      if (error instanceof RefusedTransaction) throw error
      this.#logger.warn({ err: error }, 'nft does not stay; starting one for each change')
      this.#canStay = !isFirst
      return false
    }
  }

  async #end(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }
}
