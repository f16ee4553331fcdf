import { expect, test } from 'vitest'
import { type Clock, sleepOn } from '../machinery/clock.ts'
import type { Expiry } from './driver.ts'
import { ExpiryHeap } from './expiry-heap.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import { revision } from './store.ts'

test('a timer that fires a moment too early does not end expiry', async () => {
  const clock = new EarlyClock()
  const heap = new ExpiryHeap()
  const expired: string[] = []
  const timer = new ExpiryTimer(clock, {
    nextMs: () => heap.first()?.atMs,
    due: nowMs => heap.takeDue(nowMs, 1),
    expire: async ({ key }: Expiry) => void expired.push(key),
  })
  for (const [at, key] of ['/a', '/b', '/c'].entries()) {
    const atMs = 1000 * (at + 1)
    heap.add({ key, modRevision: revision(1), atMs })
    timer.notice(atMs)
  }
  for (let fired = 0; fired < 12; fired++) await clock.fire()
  expect(expired).toEqual(['/a', '/b', '/c'])
  await timer.stop()
})

/** Calls whoever waits 1 ms before the time, as the timers of an operating system do now and then, and in time after. */
class EarlyClock implements Clock {
  #nowMs = 0
  #waiting: { readonly run: () => void; readonly atMs: number } | undefined
  readonly now = (): Date => new Date(this.#nowMs)
  readonly monotonicMs = (): number => this.#nowMs
  readonly sleep = (delayMs: number, signal?: AbortSignal): Promise<void> => sleepOn(this, delayMs, signal)

  schedule(delayMs: number, run: () => void): ReturnType<Clock['schedule']> {
    this.#waiting = { run, atMs: this.#nowMs + delayMs }
    const cancel = (): void => {
      this.#waiting = undefined
    }
    return { cancel, [Symbol.dispose]: cancel }
  }

  /** Fires what is planned, and lets what follows from it happen. */
  async fire(): Promise<void> {
    const due = this.#waiting
    this.#waiting = undefined
    if (due) {
      this.#nowMs = due.atMs - this.#nowMs > 1 ? due.atMs - 1 : due.atMs
      due.run()
    }
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
}
