import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CommandError } from '../terminal.ts'

/**
 * Lets only one `up` or `down` work on a data directory. The lock of a command that died is taken over. Throws a
 * `CommandError` that names the process that holds it.
 */
export function lockFor(path: string, command: string): Disposable {
  const isNew = mkdirSync(dirname(path), { recursive: true }) !== undefined
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      takeAtOnce(path, JSON.stringify({ pid: process.pid, command }))
      return { [Symbol.dispose]: () => release(path, isNew) }
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

/** A folder that was made for the lock alone goes with it: whoever was refused leaves nothing behind. */
function release(path: string, isNew: boolean): void {
  rmSync(path, { force: true })
  if (isNew && existsSync(dirname(path)) && readdirSync(dirname(path)).length === 0) rmdirSync(dirname(path))
}

/** The lock appears with its content or not at all, so that nobody takes a half-written one for that of a dead command. */
function takeAtOnce(path: string, content: string): void {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, content)
  try {
    linkSync(draft, path)
  } finally {
    rmSync(draft)
  }
}

function holderOf(path: string): { readonly pid: number; readonly command: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { pid: number; command: string }
  } catch {
    return undefined // Released in the meantime, or not ours.
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
