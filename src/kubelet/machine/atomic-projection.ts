import {
  chmod,
  lchown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FileContent, Ownership } from '../doors.ts'

const DATA_LINK = '..data'
const NEW_DATA_LINK = '..data_tmp'

/**
 * Lays files out as Kubernetes does for volumes made of API objects: the files lie in a directory of their own, `..data`
 * points to it, and each name at the top points through `..data`. Moving that one link switches all at once.
 */
export async function projectFiles(
  directory: string,
  files: readonly FileContent[],
  owner: Ownership,
): Promise<boolean> {
  await mkdir(directory, { recursive: true })
  const current = await readlink(join(directory, DATA_LINK)).catch(() => undefined)
  if (current !== undefined && (await isSame(join(directory, current), files))) return false

  const fresh = await mkdtemp(`${directory}/..`) // Not joined: that would climb to the parent.
  await chmod(fresh, 0o755)
  for (const file of files) await writeOne(fresh, file, owner)
  const link = join(directory, NEW_DATA_LINK)
  await rm(link, { force: true })
  await symlink(fresh.slice(directory.length + 1), link)
  await rename(link, join(directory, DATA_LINK))
  await linkNames(directory, files)
  if (current !== undefined) await rm(join(directory, current), { recursive: true, force: true })
  return true
}

async function writeOne(root: string, { path, content, mode }: FileContent, { uid, gid }: Ownership): Promise<void> {
  const target = join(root, path)
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, content)
  await chmod(target, mode)
  if (uid !== undefined || gid !== undefined) await lchown(target, uid ?? -1, gid ?? -1)
}

/** The names at the top, without those of files that are no more. */
async function linkNames(directory: string, files: readonly FileContent[]): Promise<void> {
  const wanted = new Set(files.map(({ path }) => path.split('/')[0]!))
  const present = (await readdir(directory)).filter(name => !name.startsWith('..'))
  for (const name of present) if (!wanted.has(name)) await rm(join(directory, name), { recursive: true, force: true })
  for (const name of wanted) if (!present.includes(name)) await symlink(join(DATA_LINK, name), join(directory, name))
}

async function isSame(root: string, files: readonly FileContent[]): Promise<boolean> {
  const present = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  if (present.filter(entry => entry.isFile()).length !== files.length) return false
  for (const { path, content } of files) {
    const before = await readFile(join(root, path)).catch(() => undefined)
    if (!before || Buffer.compare(before, content) !== 0) return false
  }
  return true
}
