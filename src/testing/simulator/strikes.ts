import type { ApiTransport } from '../../machinery/api-call.ts'
import type { Clock } from '../../machinery/clock.ts'
import { integerBelow, type Random } from '../../machinery/random.ts'

/** A loss of power at one await of one call: after so many calls, and then so many turns of the microtask queue. */
export interface Strike {
  readonly calls: number
  readonly turns: number
  readonly run: () => void
}

/** One life of the controllers and the scheduler, which end together. */
interface Life {
  isOver: boolean
}

const LATE_MS_MAX = 1500
const STALE_MS_MAX = 6000
const STALE_EVERY_MS = 8000
const MACHINES = /^(kubelet|provisioner) /

class LineCut extends Error {
  override name = 'LineCut'
}

/** What strikes in the middle of calls, not only between two timers. All of it is drawn from the seed. */
export class Strikes {
  /** Calls, and the answers to them, take their time. */
  isLate = false
  /** What the controllers know is seconds old. */
  isStale = false
  /** Machines whose calls take long. */
  readonly slowed = new Set<string>()
  readonly #random: Random
  readonly #clock: () => Clock
  #armed: { callsLeft: number; readonly strike: Strike }[] = []
  #leader: Life = { isOver: false }

  constructor(random: Random, clock: () => Clock) {
    this.#random = random
    this.#clock = clock
  }

  arm(strike: Strike): void {
    this.#armed.push({ callsLeft: strike.calls, strike })
  }

  disarm(): void {
    this.#armed = []
  }

  /** The leader is no more: nothing that it still has under way is sent, and no answer reaches it. */
  endLeader(): void {
    this.#leader.isOver = true
    this.#leader = { isOver: false }
  }

  between(component: string, transport: ApiTransport): ApiTransport {
    const life = MACHINES.test(component) ? undefined : this.#leader
    return {
      request: async (call, signal) => {
        checkLine(life)
        this.#count()
        await this.#pause(component)
        checkLine(life)
        const answer = await transport.request(call, signal)
        await this.#pause(component)
        checkLine(life)
        return answer
      },
      watch: (call, signal) => this.#watch(transport.watch(call, signal), { component, life }),
    }
  }

  #count(): void {
    for (const armed of [...this.#armed]) {
      armed.callsLeft--
      if (armed.callsLeft > 0) continue
      this.#armed = this.#armed.filter(other => other !== armed)
      void afterTurns(armed.strike)
    }
  }

  async #pause(component: string): Promise<void> {
    const isSlow = this.slowed.has(component.replace(MACHINES, ''))
    if ((this.isLate && integerBelow(this.#random, 4) === 0) || isSlow)
      await this.#clock().sleep(integerBelow(this.#random, LATE_MS_MAX))
  }

  /** Late by a bound, or any staleness would be possible. */
  async *#watch<T>(
    events: AsyncIterable<T>,
    { component, life }: { readonly component: string; readonly life: Life | undefined },
  ): AsyncIterable<T> {
    let pausedMs = Number.NEGATIVE_INFINITY
    for await (const event of events) {
      const clock = this.#clock()
      if (this.isStale && component === 'informers' && clock.monotonicMs() - pausedMs > STALE_EVERY_MS) {
        await clock.sleep(integerBelow(this.#random, STALE_MS_MAX))
        pausedMs = clock.monotonicMs()
      }
      checkLine(life)
      yield event
    }
  }
}

async function afterTurns({ turns, run }: Strike): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
  run()
}

function checkLine(life: Life | undefined): void {
  if (life?.isOver) throw new LineCut('whoever asked is no more')
}
