import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { CommandError } from '../terminal.ts'

/**
 * Lets only one `up` or `down` work on a data directory. The lock of a command that died is taken over. Throws a
 * `CommandError` that names the process that holds it.
 */
export function lockFor(path: string, command: string): Disposable {
  mkdirSync(dirname(path), { recursive: true })
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(path, 'wx')
      writeSync(file, JSON.stringify({ pid: process.pid, command }))
      closeSync(file)
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const holder = holderOf(path)
      if (holder && isAlive(holder.pid)) {
        throw new CommandError(`"holdfast ${holder.command}" is at work on ${dirname(path)} (process ${holder.pid})`, {
          advice: 'Wait until it is done, or end it.',
        })
      }
      rmSync(path, { force: true })
    }
  }
  throw new CommandError(`another command took the lock ${path} at the same moment`, { advice: 'Try again.' })
}

function holderOf(path: string): { readonly pid: number; readonly command: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { pid: number; command: string }
  } catch {
    return undefined // Half written by a process that died.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
