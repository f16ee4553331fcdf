import type { ApiTransport } from '../../machinery/api-call.ts'
import type { Clock } from '../../machinery/clock.ts'
import { integerBelow, type Random } from '../../machinery/random.ts'
import { serviceUnavailable } from '../../machinery/status.ts'
import type { CommitFault } from '../../store/memory/faulty-store.ts'
import type { Strikes } from './strikes.ts'

/** By how much a watch may be late. */
const WATCH_DELAY_MS_MAX = 3000
/** One in so many writes goes wrong. */
const ONE_IN = 6
const READS = new Set(['get', 'list', 'watch'])

/** The connection broke: nobody knows whether the write was done. */
class LostReply extends Error {
  override name = 'LostReply'
}

/** What goes wrong now between the parts of the cluster, drawn from a source of chance of its own. */
export class Faults {
  losesReplies = false
  delaysWatches = false
  failsStore = false
  /** Present when faults may strike in the middle of a call too. */
  readonly strikes: Strikes | undefined
  readonly #random: Random
  readonly #clock: () => Clock

  constructor(random: Random, clock: () => Clock, strikes?: Strikes) {
    this.#random = random
    this.#clock = clock
    this.strikes = strikes
  }

  readonly between = (component: string, transport: ApiTransport): ApiTransport => {
    const faulty = this.#losing(transport)
    return this.strikes ? this.strikes.between(component, faulty) : faulty
  }

  /** Writes through it are refused or lose their reply, before or after they took effect; watches may be late. */
  readonly #losing = (transport: ApiTransport): ApiTransport => ({
    request: async (call, signal) => {
      if (READS.has(call.verb) || !this.losesReplies) return transport.request(call, signal)
      switch (integerBelow(this.#random, ONE_IN * 3)) {
        case 0:
          throw serviceUnavailable('the server is busy')
        case 1:
          throw new LostReply('before it took effect')
        case 2:
          await transport.request(call, signal)
          throw new LostReply('after it took effect')
        default:
          return transport.request(call, signal)
      }
    },
    watch: (call, signal) => this.#lateWatch(transport.watch(call, signal)),
  })

  readonly decideCommit = (): CommitFault => {
    if (!this.failsStore) return { type: 'none' }
    switch (integerBelow(this.#random, ONE_IN * 3)) {
      case 0:
        return { type: 'fail', code: 'unavailable' }
      case 1:
        return { type: 'torn' }
      case 2:
        return { type: 'slow', delayMs: integerBelow(this.#random, 1000) }
      default:
        return { type: 'none' }
    }
  }

  /** Pauses far enough apart that what gathers in one is told before the next: a watch is late, but ever by so much only. */
  async *#lateWatch<T>(events: AsyncIterable<T>): AsyncIterable<T> {
    let pausedMs = Number.NEGATIVE_INFINITY
    for await (const event of events) {
      const clock = this.#clock()
      if (this.delaysWatches && clock.monotonicMs() - pausedMs > WATCH_DELAY_MS_MAX) {
        await clock.sleep(integerBelow(this.#random, WATCH_DELAY_MS_MAX))
        pausedMs = clock.monotonicMs()
      }
      yield event
    }
  }
}
