import { type Clock, sleepOn, type Timer } from './clock.ts'

/** The machine's own clock and timers. A planned timer keeps its process alive: cancel what is no longer wanted. */
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
