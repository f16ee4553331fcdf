/** Processes that outlive the command that started them, found again by a file each. */

import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { replaceFile } from './replace-file.ts'

export interface ProcessRecord {
  readonly name: string
  readonly pid: number
  /** Ticks since boot at which the process started: a process id alone may belong to another by now. */
  readonly startTicks: string
  readonly startedAt: string
  readonly command: readonly string[]
  readonly log: string
}

/** The start time of a live process in ticks since boot (proc(5), stat field 22); undefined when there is none. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

export const isRunning = ({ pid, startTicks }: ProcessRecord): boolean => startTicksOf(pid) === startTicks

/** Starts a process in a session of its own, its output appended to `log`, and leaves a record of it in `folder`. */
export function startDetached(options: {
  name: string
  command: readonly string[]
  folder: string
  log: string
  environment: Readonly<Record<string, string | undefined>>
}): ProcessRecord {
  const { name, command, folder, log, environment } = options
  mkdirSync(folder, { recursive: true })
  const output = openSync(log, 'a')
  const child = spawn(command[0]!, command.slice(1), {
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...environment },
  })
  child.unref()
  if (child.pid === undefined) throw new Error(`cannot start ${command[0]}`)
  const startTicks = startTicksOf(child.pid) ?? ''
  const record: ProcessRecord = { name, pid: child.pid, startTicks, startedAt: new Date().toISOString(), command, log }
  replaceFile(join(folder, `${name}.json`), `${JSON.stringify(record, null, 2)}\n`)
  return record
}

/** All records in the folder, of living and of dead processes. */
export function processRecords(folder: string): ProcessRecord[] {
  try {
    return readdirSync(folder)
      .filter(file => file.endsWith('.json'))
      .map(file => JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProcessRecord)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

export function forgetProcess(folder: string, name: string): void {
  rmSync(join(folder, `${name}.json`), { force: true })
}

/** Asks the process to end, and kills it after `graceMs`. Resolves when it is gone. */
export async function endProcess(record: ProcessRecord, graceMs: number): Promise<void> {
  if (!isRunning(record)) return
  signal(record, 'SIGTERM')
  if (await isGoneWithin(record, graceMs)) return
  signal(record, 'SIGKILL')
  await isGoneWithin(record, 5000)
}

function signal({ pid }: ProcessRecord, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function isGoneWithin(record: ProcessRecord, graceMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + graceMs
  while (performance.now() < deadlineMs) {
    if (!isRunning(record)) return true
    await delay(20)
  }
  return !isRunning(record)
}

/** What was appended to a log since a time; lines without one belong to the line before them. */
export function logSince(path: string, time: string): string {
  const lines = lastLines(path, 200).split('\n')
  const first = lines.findIndex(line => (/"time":"([^"]+)"/.exec(line)?.[1] ?? '') >= time)
  return first < 0 ? '' : lines.slice(first).join('\n')
}

/** The newest failure of a log, in its own words. */
export function lastProblemIn(path: string): string | undefined {
  const line = lastLines(path, 200)
    .split('\n')
    .findLast(text => text.startsWith('{"level":"error"'))
  if (!line) return undefined
  const { msg, component, err } = JSON.parse(line) as { msg?: string; component?: string; err?: { message?: string } }
  return [component, msg, err?.message?.split('\n')[0]].filter(Boolean).join(': ')
}

/** The last lines of a log file, for messages about a process that did not come up. */
export function lastLines(path: string, count: number): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
  } catch {
    return ''
  }
}
