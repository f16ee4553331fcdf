import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { type Entry, type Revision, revision } from './store.ts'

/** What a backup holds of a key. Its own revisions are kept for the record; a restore gives new ones. */
export interface BackedUp extends Entry {
  /** Wall time in milliseconds. */
  readonly expiresAtMs?: number
}

/** A file that is no backup, or is damaged, or incomplete. */
export class BackupError extends Error {
  override name = 'BackupError'
}

/*
 * One JSON document a line: the header, an entry each, and at the end their number and the SHA-256 of all lines before
 * it. Without the last line a backup is incomplete.
 */
const FORMAT = 'holdfast-backup-1'

interface Header {
  readonly format: string
  readonly revision: Revision
}

interface Line {
  readonly key: string
  readonly value: string
  readonly created: Revision
  readonly modified: Revision
  readonly version: number
  readonly expires?: number
}

interface Footer {
  readonly entries: number
  readonly sha256: string
}

/** Writes a backup to a new file, durable when it resolves. Returns the number of entries. A failure leaves no file. */
export async function writeBackup(file: string, at: Revision, entries: AsyncIterable<BackedUp>): Promise<number> {
  const handle = await open(file, 'wx', 0o600)
  try {
    const count = await writeLines(handle, at, entries)
    await handle.sync()
    return count
  } catch (error) {
    await rm(file, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

async function writeLines(handle: FileHandle, at: Revision, entries: AsyncIterable<BackedUp>): Promise<number> {
  const hash = createHash('sha256')
  let count = 0
  await writeLine(handle, { format: FORMAT, revision: at } satisfies Header, hash)
  for await (const entry of entries) {
    await writeLine(handle, lineOf(entry), hash)
    count++
  }
  await writeLine(handle, { entries: count, sha256: hash.digest('hex') } satisfies Footer)
  return count
}

/** Reads the whole file once, to know that it is complete and sound before anything is done with it. */
export async function checkBackup(file: string): Promise<{ readonly revision: Revision; readonly entries: number }> {
  const hash = createHash('sha256')
  let header: Header | undefined
  let last: string | undefined
  let lines = 0
  for await (const line of linesOf(file)) {
    if (last !== undefined) hash.update(`${last}\n`)
    if (lines++ === 0) header = headerOf(file, line)
    last = line
  }
  if (!header || last === undefined || lines < 2) throw new BackupError(`${file} is no backup, or is incomplete`)
  const footer = parse<Footer>(file, last)
  if (footer.entries !== lines - 2 || footer.sha256 !== hash.digest('hex'))
    throw new BackupError(`${file} is damaged or incomplete: its checksum does not match`)
  return { revision: header.revision, entries: footer.entries }
}

/** The entries of a backup that was checked. */
export async function* readBackup(file: string): AsyncGenerator<BackedUp, void, void> {
  let isFirst = true
  for await (const text of linesOf(file)) {
    const line = parse<Line | Footer>(file, text)
    if (!isFirst && 'key' in line) yield entryOf(line)
    isFirst = false
  }
}

async function writeLine(handle: FileHandle, line: object, hash?: Hash): Promise<void> {
  const text = `${JSON.stringify(line)}\n`
  hash?.update(text)
  await handle.write(text)
}

async function* linesOf(file: string): AsyncGenerator<string, void, void> {
  const handle = await open(file)
  try {
    yield* handle.readLines()
  } finally {
    await handle.close()
  }
}

function headerOf(file: string, line: string): Header {
  const header = parse<Header>(file, line)
  if (header.format !== FORMAT) throw new BackupError(`${file} is no backup that this version can read`)
  return header
}

function parse<T>(file: string, line: string): T {
  try {
    return JSON.parse(line) as T
  } catch (error) {
    throw new BackupError(`${file} is no backup, or is damaged`, { cause: error })
  }
}

const lineOf = ({ key, value, createRevision, modRevision, version, expiresAtMs }: BackedUp): Line => ({
  key,
  value: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'),
  created: createRevision,
  modified: modRevision,
  version,
  ...(expiresAtMs !== undefined && { expires: expiresAtMs }),
})

const entryOf = ({ key, value, created, modified, version, expires }: Line): BackedUp => ({
  key,
  value: Buffer.from(value, 'base64'),
  createRevision: revision(created),
  modRevision: revision(modified),
  version,
  ...(expires !== undefined && { expiresAtMs: expires }),
})
