import type { Dirent } from 'node:fs'
import { chmod, lchown, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Every entry below a directory, parents before children; nothing where there is none. Links are not followed. */
export async function* entriesBelow(
  directory: string,
): AsyncIterable<{ readonly path: string; readonly entry: Dirent }> {
  let entries: Dirent[]
  try {
    entries = await readdir(directory, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  for (const entry of entries) {
    const path = join(directory, entry.name)
    yield { path, entry }
    if (entry.isDirectory()) yield* entriesBelow(path)
  }
}

const SETGID = 0o2000

/** Gives one file or directory to a group; what the group may do follows what its owner may. */
export async function giveEntryToGroup(
  path: string,
  { gid, readOnly, isDirectory, isLink }: { gid: number; readOnly: boolean; isDirectory: boolean; isLink: boolean },
): Promise<void> {
  await lchown(path, -1, gid)
  if (isLink) return
  const { mode } = await stat(path)
  const granted = (readOnly ? 0o440 : 0o660) | (isDirectory ? SETGID | 0o110 : 0)
  await chmod(path, (mode & 0o7777) | granted)
}

export const isMissing = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
