import { watch } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../../machinery/clock.ts'
import { timeText } from '../../machinery/time.ts'
import type { ContainerLogs, LogLine } from '../doors.ts'
import { LogFile } from './log-file.ts'

/** Looked at again after so long without a sign, because the end of a container changes no file. */
const LOOK_MS = 250

/** Log files that the runtime writes in the CRI format. */
export class LogDirectory implements ContainerLogs {
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async *read(path: string, options: Parameters<ContainerLogs['read']>[1]): AsyncIterable<LogLine> {
    const { tailLines, since, follow, signal } = options
    const isWanted = ({ time }: LogLine): boolean => !since || Date.parse(time) >= since.getTime()
    const lines = follow ? this.#follow(path, { ...follow, tailLines, signal }) : onePass(path, tailLines)
    for await (const line of lines) {
      if (signal.aborted) return
      if (isWanted(line)) yield line
    }
  }

  async sizeOf(path: string): Promise<number> {
    return stat(path).then(
      ({ size }) => size,
      () => 0,
    )
  }

  async rotate(path: string, filesMax: number): Promise<void> {
    const suffix = timeText(this.#clock.now()).replace(/[-:TZ]/g, '')
    await rename(path, `${path}.${suffix}`)
    const old = (await this.#siblings(path)).toSorted().toReversed()
    for (const name of old.slice(Math.max(0, filesMax - 1))) await rm(join(dirname(path), name), { force: true })
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true })
    for (const name of await this.#siblings(path)) await rm(join(dirname(path), name), { force: true })
  }

  async #siblings(path: string): Promise<readonly string[]> {
    const names = await readdir(dirname(path)).catch(() => [])
    return names.filter(name => name.startsWith(`${basename(path)}.`))
  }

  /** Goes on over rotations: the old file is read to its end before the new one is opened. */
  async *#follow(
    path: string,
    {
      isFinished,
      tailLines,
      signal,
    }: { isFinished: () => Promise<boolean>; tailLines: number | undefined; signal: AbortSignal },
  ): AsyncIterable<LogLine> {
    const changes = new Changes(dirname(path), this.#clock)
    let file = await LogFile.open(path)
    try {
      if (file && tailLines !== undefined) await file.seekTail(tailLines)
      while (!signal.aborted) {
        const isLast = await isFinished() // Asked before reading, so that nothing written before the end is missed.
        if (file) yield* file.lines()
        const next: LogFile | undefined = await reopened(path, file)
        if (next) {
          await file?.close()
          file = next
        } else if (isLast) return
        else await changes.next(LOOK_MS, signal)
      }
    } finally {
      changes.close()
      await file?.close()
    }
  }
}

async function* onePass(path: string, tailLines: number | undefined): AsyncIterable<LogLine> {
  const file = await LogFile.open(path)
  if (!file) return
  try {
    if (tailLines !== undefined) await file.seekTail(tailLines)
    yield* file.lines()
  } finally {
    await file.close()
  }
}

/** The file that is at the path now, if it is another than the one that is open. */
async function reopened(path: string, file: LogFile | undefined): Promise<LogFile | undefined> {
  const next = await LogFile.open(path)
  if (!next || !file || (await next.inode()) !== (await file.inode())) return next
  await next.close()
  return undefined
}

/** Wakes a reader when something in a directory changes. */
class Changes {
  readonly #clock: Clock
  readonly #watcher: ReturnType<typeof watch> | undefined
  #hasChanged = false
  #wake: (() => void) | undefined

  constructor(directory: string, clock: Clock) {
    this.#clock = clock
    try {
      this.#watcher = watch(directory, () => {
        this.#hasChanged = true
        this.#wake?.()
      })
      this.#watcher.on('error', () => {}) // The directory went away; the pauses still end.
    } catch {
      this.#watcher = undefined // It does not exist yet; the pauses still end.
    }
  }

  /** Resolves with the next change since the last call, or after a pause. */
  async next(pauseMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged) {
      await new Promise<void>(resolve => {
        const timer = this.#clock.schedule(pauseMs, done)
        const { promise, resolve: wake } = Promise.withResolvers<void>()
        this.#wake = wake
        void promise.then(done)
        signal.addEventListener('abort', done, { once: true })
        function done(): void {
          timer.cancel()
          signal.removeEventListener('abort', done)
          resolve()
        }
      })
    }
    this.#hasChanged = false
    this.#wake = undefined
  }

  close(): void {
    this.#watcher?.close()
  }
}
