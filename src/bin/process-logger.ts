import { pino } from 'pino'
import type { Logger } from '../machinery/logger.ts'

/** The log of one process: a JSON line each, on standard output. */
export function processLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
  })
}
