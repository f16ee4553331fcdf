import type { Clock } from '../machinery/clock.ts'

/** The clock of a machine whose wall time is off; durations are as everywhere. */
export const skewedClock = (clock: Clock, offsetMs: number): Clock =>
  offsetMs === 0
    ? clock
    : {
        now: () => new Date(clock.now().getTime() + offsetMs),
        monotonicMs: () => clock.monotonicMs(),
        schedule: (delayMs, run) => clock.schedule(delayMs, run),
        sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
      }
