import type { Clock } from '../../machinery/clock.ts'

const PAUSE_MS = 500

export interface UntilAbortedOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onFailure: (error: unknown) => void
}

/** Does `attempt` again whenever it ends, until the signal is aborted. Pauses after two failures without success. */
export async function untilAborted(
  { clock, signal, onFailure }: UntilAbortedOptions,
  attempt: () => Promise<void>,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await attempt()
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      onFailure(error)
      if (++failures > 1) await clock.sleep(PAUSE_MS, signal).catch(() => {})
    }
  }
}
