import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CommandError } from '../terminal.ts'

/** Raised when a newer version writes what an older one cannot read. */
const DATA_FORMAT = 1

interface Stamp {
  readonly format: number
  readonly version: string
}

/** Makes sure that the data directory is ours to use: empty, or written by this version or an older one. */
export function claimDataDirectory(path: string, version: string): void {
  const stamp = stampIn(path)
  if (stamp && stamp.format > DATA_FORMAT) {
    throw new CommandError(
      `${dirname(path)} was written by holdfast ${stamp.version}, which is newer than this ${version}`,
      {
        advice: 'Use that version, or choose another --data-dir.',
      },
    )
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  writeFileSync(path, `${JSON.stringify({ format: DATA_FORMAT, version } satisfies Stamp)}\n`)
}

function stampIn(path: string): Stamp | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as Stamp
  } catch (cause) {
    throw new CommandError(`${path} is not readable as JSON`, {
      advice: 'Restore it from a backup, or choose another --data-dir.',
      cause,
    })
  }
}
