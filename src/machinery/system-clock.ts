import { type Clock, sleepOn, type Timer } from './clock.ts'

/** The machine's own clock and timers. Timers keep no process alive: whoever runs a process waits for its parts. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, run): Timer {
    const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1))
    const cancel = (): void => clearTimeout(timer)
    return { cancel, [Symbol.dispose]: cancel }
  },
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
}
