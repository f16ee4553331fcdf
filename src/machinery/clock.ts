/** A planned call. Cancelling it after it ran, or twice, does nothing. */
export interface Timer extends Disposable {
  cancel(): void
}

/**
 * All the time that domain code knows. The real one is `systemClock`; tests and simulations hand in a virtual one,
 * on which hours pass in milliseconds and always in the same order.
 */
export interface Clock {
  /** Wall time. May jump when the machine's clock is set; never measure a duration with it. */
  now(): Date
  /** Milliseconds that only ever grow, from an arbitrary start. For durations and deadlines. */
  monotonicMs(): number
  /** Calls `run` once after `delayMs`, never earlier and never synchronously. */
  schedule(delayMs: number, run: () => void): Timer
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as it is aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

/** `sleep` in terms of `schedule`, for those who implement a clock. */
export function sleepOn(clock: Pick<Clock, 'schedule'>, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = (): void => {
      timer.cancel()
      reject(signal!.reason)
    }
    const timer = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}
