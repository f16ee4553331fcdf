import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CommandError } from '../terminal.ts'

/** Raised when a newer version writes what an older one cannot read. */
const DATA_FORMAT = 1

interface Stamp {
  readonly format: number
  readonly version: string
}

/** What any directory may hold before it is ours, and what a version without a stamp left in one that is. */
const ANYONES = new Set(['lost+found', 'lock.json'])
const OURS = ['pki', 'store', 'containerd']

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
  if (!isOursOrEmpty(path)) {
    throw new CommandError(`${dirname(path)} holds files that are not of Holdfast`, {
      advice: 'Nothing was touched. Choose an empty directory with --data-dir.',
    })
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  writeFileSync(path, `${JSON.stringify({ format: DATA_FORMAT, version } satisfies Stamp)}\n`)
}

/** Of the Holdfast that last ran on the directory of this stamp. */
export const versionIn = (path: string): string | undefined => stampIn(path)?.version

/** Whether Holdfast has written the directory of this stamp, so that it may also be removed. */
export const isDataDirectory = (path: string): boolean =>
  existsSync(path) || OURS.some(name => existsSync(`${dirname(path)}/${name}`))

function isOursOrEmpty(path: string): boolean {
  if (isDataDirectory(path) || !existsSync(dirname(path))) return true
  return readdirSync(dirname(path)).every(name => ANYONES.has(name) || name.startsWith('lock.json.'))
}

function stampIn(path: string): Stamp | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
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
