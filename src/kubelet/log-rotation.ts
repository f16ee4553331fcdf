import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import type { ContainerRecord, MachineDoors } from './doors.ts'
import type { KubeletConfig } from './kubelet-config.ts'

export interface LogRotationOptions {
  readonly doors: MachineDoors
  readonly clock: Clock
  readonly logger: Logger
  readonly config: KubeletConfig
  readonly records: () => readonly ContainerRecord[]
}

const INTERVAL_MS = 10_000

/** Keeps the log files of running containers from growing without end. */
export async function rotateLogs(options: LogRotationOptions, signal: AbortSignal): Promise<void> {
  const { clock, records, logger } = options
  while (!signal.aborted) {
    await clock.sleep(INTERVAL_MS, signal).catch(() => {}) // Aborted: the loop ends.
    if (signal.aborted) return
    for (const record of records()) {
      await rotateOne(options, record).catch(error =>
        logger.warn({ error, path: record.logPath }, 'could not rotate a log'),
      )
    }
  }
}

async function rotateOne({ doors, config }: LogRotationOptions, { id, logPath }: ContainerRecord): Promise<void> {
  const { bytesMax, filesMax } = config.logs
  if ((await doors.logs.sizeOf(logPath)) < bytesMax) return
  await doors.logs.rotate(logPath, filesMax)
  await doors.runtime.reopenLog(id)
}
