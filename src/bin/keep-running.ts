import { setTimeout as delay } from 'node:timers/promises'
import type { Component } from '../machinery/component.ts'
import { InvariantError } from '../machinery/invariant.ts'
import type { Logger } from '../machinery/logger.ts'

const RESTART_MS = 1000

/**
 * Runs a component until the signal is aborted, and starts it again when it gives up. A failure of reasoning ends the
 * process instead: whoever supervises it starts a clean one, and nothing goes on with a wrong idea of the world.
 */
export async function keepRunning(component: Component, signal: AbortSignal, logger: Logger): Promise<void> {
  while (!signal.aborted) {
    try {
      await component.run(signal)
      if (!signal.aborted) logger.warn({ component: component.name }, 'component ended early; starting it again')
    } catch (error) {
      if (signal.aborted) return
      logger.error({ err: error, component: component.name }, 'component failed; starting it again')
      if (error instanceof InvariantError) process.exit(70)
    }
    await delay(RESTART_MS, undefined, { signal }).catch(() => {})
  }
}

/** Runs several side by side; resolves when all have ended. */
export const keepAllRunning = async (
  components: readonly Component[],
  signal: AbortSignal,
  logger: Logger,
): Promise<void> => {
  await Promise.all(components.map(component => keepRunning(component, signal, logger)))
}
