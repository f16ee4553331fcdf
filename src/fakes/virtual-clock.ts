import { type Clock, sleepOn, type Timer } from '../machinery/clock.ts'

interface Planned {
  readonly atMs: number
  /** Ties are broken by the order of planning, so that the same program always runs in the same order. */
  readonly sequence: number
  readonly run: () => void
  cancelled: boolean
}

/**
 * A clock that moves only when told. Timers run in order of their time; between two of them everything that promises
 * have set in motion is finished first, so hours pass in milliseconds and every run has the same history.
 */
export class VirtualClock implements Clock {
  #nowMs = 0
  #sequence = 0
  readonly #heap: Planned[] = []
  #epochMs: number

  constructor(startsAt: Date = new Date('2026-01-01T00:00:00Z')) {
    this.#epochMs = startsAt.getTime()
  }

  now(): Date {
    return new Date(this.#epochMs + this.#nowMs)
  }

  /** Somebody sets the time of day, as `date` does: no timer feels it. */
  setTimeOfDayBy(ms: number): void {
    this.#epochMs += ms
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  schedule(delayMs: number, run: () => void): Timer {
    const planned = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, run, cancelled: false }
    this.#push(planned)
    const cancel = (): void => {
      planned.cancelled = true
    }
    return { cancel, [Symbol.dispose]: cancel }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal)
  }

  /** Milliseconds until the next timer is due; undefined when none is planned. */
  untilNextMs(): number | undefined {
    this.#dropCancelled()
    return this.#heap[0] && this.#heap[0].atMs - this.#nowMs
  }

  /** Moves `ms` ahead, running what falls due. Resolves when also everything that it set in motion has come to rest. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await this.rest()
    while (await this.#runNextUntil(untilMs)) await this.rest()
    this.#nowMs = Math.max(this.#nowMs, untilMs) // Another call may have moved it further meanwhile.
  }

  /** Resolves when nothing is left to do without time passing. */
  async rest(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve)) // The microtask queue is empty before the next macrotask runs.
  }

  /** Runs every timer of the next due moment, if it lies within the limit. */
  async #runNextUntil(untilMs: number): Promise<boolean> {
    this.#dropCancelled()
    const next = this.#heap[0]
    if (!next || next.atMs > untilMs) return false
    this.#nowMs = next.atMs
    this.#pop()
    next.run()
    return true
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) this.#pop()
  }

  #push(planned: Planned): void {
    const heap = this.#heap
    let child = heap.push(planned) - 1
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!isBefore(planned, heap[parent]!)) break
      heap[child] = heap[parent]!
      child = parent
    }
    heap[child] = planned
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let parent = 0
    for (;;) {
      let child = 2 * parent + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[parent] = heap[child]!
      parent = child
    }
    heap[parent] = last
  }
}

const isBefore = (a: Planned, b: Planned): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
