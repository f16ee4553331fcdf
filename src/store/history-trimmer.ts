import type { Clock, Timer } from '../machinery/clock.ts'
import { type Revision, revision } from './store.ts'

/** Looks per history period. More would keep the mark closer to the period's end; nobody needs that. */
const LOOKS_PER_PERIOD = 10

export interface HistoryTrimmerOptions {
  readonly clock: Clock
  readonly historyMs: number
  readonly historyChangesMax: number
  readonly head: () => Revision
  readonly mark: () => Revision
  /** Forgets history below the mark. */
  readonly compact: (mark: Revision) => Promise<void>
  readonly onError: (error: unknown) => void
}

/** Keeps the history of a period of time, within a number of changes. Plans nothing while there is nothing to forget. */
export class HistoryTrimmer {
  readonly #options: HistoryTrimmerOptions
  /** What head was at some moments of the period, oldest first. */
  readonly #heads: { readonly atMs: number; readonly head: Revision }[] = []
  #timer: Timer | undefined
  #trimming: Promise<void> | undefined
  #stopped = false

  constructor(options: HistoryTrimmerOptions) {
    this.#options = options
  }

  /** Says that head has moved. */
  notice(): void {
    const { head, mark, historyChangesMax } = this.#options
    if (head() - mark() > historyChangesMax * 1.1) this.#trim(revision(head() - historyChangesMax))
    if (head() > mark()) this.#plan()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#trimming
  }

  #plan(): void {
    if (this.#timer || this.#stopped) return
    this.#note()
    this.#timer = this.#options.clock.schedule(this.#options.historyMs / LOOKS_PER_PERIOD, () => {
      this.#timer = undefined
      this.#look()
    })
  }

  #look(): void {
    if (this.#trimming || this.#stopped) return // When that is done it looks again.
    const { clock, mark, historyMs } = this.#options
    const sinceMs = clock.monotonicMs() - historyMs
    let forget: Revision | undefined
    while (this.#heads[0] && this.#heads[0].atMs <= sinceMs) forget = this.#heads.shift()!.head
    if (forget !== undefined && forget > mark()) this.#trim(forget)
    this.notice()
  }

  #note(): void {
    const head = this.#options.head()
    if (this.#heads.at(-1)?.head !== head) this.#heads.push({ atMs: this.#options.clock.monotonicMs(), head })
  }

  #trim(mark: Revision): void {
    if (this.#trimming || this.#stopped) return
    this.#trimming = this.#options.compact(mark).then(
      () => {
        this.#trimming = undefined
        this.#look()
      },
      error => {
        this.#trimming = undefined
        this.#options.onError(error)
        this.#plan()
      },
    )
  }
}
