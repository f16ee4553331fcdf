import { CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { commandLine } from '../cli/command-line.ts'
import { CommandError, reasonOf, type Terminal } from '../cli/terminal.ts'
import { commandDoors } from './command-doors.ts'

const terminal: Terminal = {
  out: text => process.stdout.write(text),
  error: text => process.stderr.write(text),
  isInteractive: process.stdout.isTTY === true && !process.env.CI,
  columns: process.stdout.columns ?? 80,
}

process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0) // The reader (`head`, `less`) has seen enough.
  throw error
})

try {
  const context = {
    terminal,
    environment: process.env,
    self: [process.execPath, ...process.execArgv, process.argv[1]!],
    version: packageJson.version,
    userId: process.getuid?.() ?? -1,
    monotonicMs: () => performance.now(),
    onInterrupt,
  }
  await commandLine(context, commandDoors(context)).parseAsync(process.argv)
} catch (error) {
  const code = reported(error)
  process.stderr.write('', () => process.exit(code)) // A server that failed to start may have left things open.
}

function onInterrupt(callback: () => void): Disposable {
  let isFirst = true
  const listener = (): void => {
    if (!isFirst) process.exit(130)
    isFirst = false
    callback()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, listener)
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, listener)
    },
  }
}

/** Prints a failure as its reader needs it, and answers the exit code. */
function reported(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode
  if (error instanceof CommandError) {
    terminal.error(`error: ${error.message}\n${error.advice ? `${error.advice}\n` : ''}`)
    return error.exitCode
  }
  const text = sentenceOf(error)
  if (text) {
    terminal.error(`error: ${text}\n`)
    return 1
  }
  terminal.error(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 1
}

/** Failures of the world that need no stack: files, disks, the store, the API. Undefined for those of our own reasoning. */
function sentenceOf(error: unknown): string | undefined {
  const { name, message, syscall, path } = error as NodeJS.ErrnoException
  if (syscall && path) return `${path}: ${reasonOf(error)}`
  if (reasonOf(error) !== message) return reasonOf(error)
  return ['StoreError', 'StatusError', 'KubeconfigError'].includes(name) ? message : undefined
}
