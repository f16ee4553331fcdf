import {
  chmod,
  lchown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  DiskError,
  type FileContent,
  type FileSystemUsage,
  type MachineDisk,
  type MountPoint,
  type MountRequest,
  type Ownership,
  type PathKind,
} from '../doors.ts'
import { projectFiles } from './atomic-projection.ts'
import { entriesBelow, giveEntryToGroup, isMissing } from './file-tree.ts'
import { CommandError, runCommand } from './run-command.ts'

/** The machine's own file systems. Mounts are made by the machine's `mount`, which knows its helpers. */
export const localDisk: MachineDisk = {
  pathKind,
  async makeDirectory(path, mode) {
    await mkdir(dirname(path), { recursive: true })
    try {
      await mkdir(path, { mode })
      await chmod(path, mode) // The process's umask does not count.
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  },
  async makeFile(path, mode) {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(path, 'a', mode)
    await file.close()
  },
  async writeFile(path, content, mode) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
    await chmod(path, mode)
  },
  readFile: (path, bytesMax) => readStart(path, bytesMax),
  listDirectory: path => orIfMissing(readdir(path), []),
  remove,
  project: (directory: string, files: readonly FileContent[], owner: Ownership = {}) =>
    projectFiles(directory, files, owner),
  async giveToGroup(path, gid, { readOnly, onlyIfRootDiffers }) {
    const root = await stat(path)
    if (onlyIfRootDiffers && root.gid === gid && (root.mode & 0o2000) !== 0) return
    for await (const { path: found, entry } of entriesBelow(path)) {
      await giveEntryToGroup(found, { gid, readOnly, isDirectory: entry.isDirectory(), isLink: entry.isSymbolicLink() })
    }
    await giveEntryToGroup(path, { gid, readOnly, isDirectory: true, isLink: false }) // Last: it says that all is done.
  },
  setOwner: (path, { uid, gid }) => lchown(path, uid ?? -1, gid ?? -1),
  setMode: (path, mode) => chmod(path, mode),
  resolveBelow,
  mounts: mountsBelow,
  mount,
  unmount,
  usage,
  fileSystemUsage,
}

async function pathKind(path: string): Promise<PathKind> {
  const found = await orIfMissing(stat(path), undefined)
  if (!found) return 'missing'
  if (found.isDirectory()) return 'directory'
  if (found.isFile()) return 'file'
  if (found.isSocket()) return 'socket'
  if (found.isCharacterDevice()) return 'charDevice'
  return found.isBlockDevice() ? 'blockDevice' : 'other'
}

async function readStart(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const file = await orIfMissing(open(path, 'r'), undefined)
  if (!file) return undefined
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function remove(path: string): Promise<void> {
  const [mounted] = await mountsBelow(path)
  if (mounted) throw new DiskError('busy', `${mounted.path} is still mounted`)
  await rm(path, { recursive: true, force: true })
}

/** Follows links only as far as they stay below the root. */
async function resolveBelow(root: string, subPath: string): Promise<string> {
  const realRoot = await realpath(root)
  let at = realRoot
  for (const part of subPath.split('/').filter(Boolean)) {
    const next = join(at, part)
    if (!(await orIfMissing(lstat(next), undefined))) await mkdir(next, { mode: 0o755 })
    at = await realpath(next)
    if (at !== realRoot && !at.startsWith(`${realRoot}/`))
      throw new DiskError('outside', `"${subPath}" leads out of its volume`)
  }
  return at
}

async function mountsBelow(path: string): Promise<readonly MountPoint[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n').filter(Boolean)
  return lines
    .map(line => {
      const [source = '', point = '', type = ''] = line.split(' ').map(unescaped)
      return { path: point, source, type }
    })
    .filter(found => found.path === path || found.path.startsWith(`${path}/`))
}

/** /proc/self/mounts writes blanks and their like as octal numbers. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

async function mount(request: MountRequest): Promise<void> {
  const { path } = request
  if ((await mountsBelow(path)).some(found => found.path === path)) return
  await mkdir(path, { recursive: true })
  try {
    await runCommand('mount', argumentsOf(request))
    if (request.type === 'bind' && request.readOnly) await runCommand('mount', ['-o', 'remount,bind,ro', path])
  } catch (error) {
    throw new DiskError('failed', error instanceof CommandError ? error.message : String(error), { cause: error })
  }
}

function argumentsOf(request: MountRequest): readonly string[] {
  switch (request.type) {
    case 'tmpfs': {
      const size = request.sizeBytes === undefined ? '' : `,size=${request.sizeBytes}`
      return ['-t', 'tmpfs', '-o', `mode=0777${size}`, 'tmpfs', request.path]
    }
    case 'bind':
      return ['--bind', request.source, request.path]
    default: {
      const options = request.options.length > 0 ? ['-o', request.options.join(',')] : []
      return ['-t', request.fsType, ...options, request.source, request.path]
    }
  }
}

async function unmount(path: string): Promise<void> {
  if (!(await mountsBelow(path)).some(found => found.path === path)) return
  try {
    await runCommand('umount', [path])
  } catch (error) {
    throw new DiskError('busy', error instanceof Error ? error.message : String(error), { cause: error })
  }
}

const BLOCK_BYTES = 512

async function usage(path: string): Promise<{ bytes: number; inodes: number }> {
  let bytes = 0
  let inodes = 0
  for await (const { path: found } of entriesBelow(path)) {
    const entry = await orIfMissing(lstat(found), undefined)
    bytes += (entry?.blocks ?? 0) * BLOCK_BYTES
    inodes += entry ? 1 : 0
  }
  return { bytes, inodes }
}

async function fileSystemUsage(path: string): Promise<FileSystemUsage> {
  const { bsize, blocks, bavail, bfree, files, ffree } = await statfs(path)
  return {
    path,
    capacityBytes: blocks * bsize,
    availableBytes: bavail * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodes: files,
    inodesFree: ffree,
  }
}

async function orIfMissing<T, U>(work: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await work
  } catch (error) {
    if (isMissing(error)) return otherwise
    throw error
  }
}
