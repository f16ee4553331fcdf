import { execFile } from 'node:child_process'

/** A program that ended badly; the message is what it wrote to its standard error. */
export class CommandError extends Error {
  override name = 'CommandError'
}

/** Runs a program of the machine to its end and resolves with what it printed. */
export function runCommand(file: string, args: readonly string[], { timeoutMs = 120_000 } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(new CommandError(stderr.trim() || error.message, { cause: error }))
      else resolve(stdout)
    })
  })
}
