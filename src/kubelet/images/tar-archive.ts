const BLOCK_BYTES = 512

export interface TarEntry {
  /** Relative, without a leading slash. Directories and links have no content. */
  readonly path: string
  readonly type: 'file' | 'directory' | 'symlink'
  readonly content?: Uint8Array
  readonly target?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
}

/** A POSIX ustar archive (IEEE Std 1003.1, "pax"). The same entries always give the same bytes. */
export function tarOf(entries: Iterable<TarEntry>): Buffer {
  const parts: Buffer[] = []
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? [])
    parts.push(headerOf(entry, content.length), content, Buffer.alloc(paddingOf(content.length)))
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_BYTES)])
}

const paddingOf = (bytes: number): number => (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES
const TYPES = { file: '0', symlink: '2', directory: '5' } as const
const DEFAULT_MODES = { file: 0o644, symlink: 0o777, directory: 0o755 } as const

function headerOf({ path, type, target = '', mode, uid = 0, gid = 0 }: TarEntry, size: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES)
  const { name, prefix } = splitPath(type === 'directory' ? `${path.replace(/\/$/, '')}/` : path)
  header.write(name, 0, 100)
  header.write(octal(mode ?? DEFAULT_MODES[type], 8), 100)
  header.write(octal(uid, 8), 108)
  header.write(octal(gid, 8), 116)
  header.write(octal(size, 12), 124)
  header.write(octal(0, 12), 136)
  header.write('        ', 148)
  header.write(TYPES[type], 156)
  header.write(target, 157, 100)
  header.write('ustar\x0000', 257)
  header.write(prefix, 345, 155)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

function splitPath(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' }
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const name = path.slice(at + 1)
    if (name.length > 0 && Buffer.byteLength(name) <= 100 && at <= 155) return { name, prefix: path.slice(0, at) }
  }
  throw new Error(`"${path}" is too long for a tar archive`)
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`
