import {
  DiskError,
  type FileContent,
  type FileSystemUsage,
  type MachineDisk,
  type MountPoint,
  type MountRequest,
  type Ownership,
  type PathKind,
} from '../../kubelet/doors.ts'

interface Entry {
  readonly kind: PathKind
  readonly content: Uint8Array
  mode: number
  uid: number
  gid: number
}

const emptyContent = new Uint8Array()
const GIBIBYTE = 1024 ** 3

/** A file system in memory. What is on it outlives kubelets; `reboot` takes the mounts away. */
export class FakeDisk implements MachineDisk {
  readonly #entries = new Map<string, Entry>()
  readonly #mounts = new Map<string, MountPoint>()
  readonly #capacityBytes: number
  /** Set to make the disk look fuller than what is written to it. */
  usedByOthersBytes = 0
  /** Messages of mount failures, by source or path. */
  readonly mountErrors = new Map<string, string>()
  /** Paths that something still uses. */
  readonly busyPaths = new Set<string>()

  constructor({ capacityBytes = 100 * GIBIBYTE }: { capacityBytes?: number } = {}) {
    this.#capacityBytes = capacityBytes
    this.#put('/', { kind: 'directory', mode: 0o755 })
  }

  /** Every path with something on it, for tests that count what is left. */
  get paths(): readonly string[] {
    return [...this.#entries.keys()]
  }

  async pathKind(path: string): Promise<PathKind> {
    return this.#entries.get(clean(path))?.kind ?? 'missing'
  }

  async makeDirectory(path: string, mode: number): Promise<void> {
    this.#makeParents(clean(path))
    if (!this.#entries.has(clean(path))) this.#put(path, { kind: 'directory', mode })
  }

  async makeFile(path: string, mode: number): Promise<void> {
    if (this.#entries.has(clean(path))) return
    this.#makeParents(clean(path))
    this.#put(path, { kind: 'file', mode })
  }

  async writeFile(path: string, content: Uint8Array, mode: number): Promise<void> {
    this.writeNow(path, content, mode)
  }

  /** As `writeFile`, for processes of the simulation, which write without waiting. */
  writeNow(path: string, content: Uint8Array, mode = 0o644): void {
    this.#makeParents(clean(path))
    this.#put(path, { kind: 'file', mode, content })
  }

  async readFile(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    return this.readNow(path)?.subarray(0, bytesMax)
  }

  readNow(path: string): Uint8Array | undefined {
    const entry = this.#entries.get(clean(path))
    return entry?.kind === 'file' ? entry.content : undefined
  }

  async listDirectory(path: string): Promise<readonly string[]> {
    const names = this.#below(path).map(found => found.slice(prefixOf(path).length).split('/')[0]!)
    return [...new Set(names)].sort()
  }

  async remove(path: string): Promise<void> {
    const mounted = [...this.#mounts.keys()].find(point => point === clean(path) || point.startsWith(prefixOf(path)))
    if (mounted) throw new DiskError('busy', `${mounted} is still mounted`)
    this.#checkBusy(path)
    for (const below of this.#below(path)) this.#entries.delete(below)
    this.#entries.delete(clean(path))
  }

  async project(directory: string, files: readonly FileContent[], owner: Ownership = {}): Promise<boolean> {
    const before = JSON.stringify(this.#contentsOf(directory))
    for (const path of this.#below(directory)) this.#entries.delete(path)
    for (const { path, content, mode } of files) {
      this.writeNow(`${directory}/${path}`, content, mode)
      await this.setOwner(`${directory}/${path}`, owner)
    }
    return before !== JSON.stringify(this.#contentsOf(directory))
  }

  async giveToGroup(path: string, gid: number): Promise<void> {
    for (const found of [clean(path), ...this.#below(path)]) await this.setOwner(found, { gid })
  }

  async setOwner(path: string, { uid, gid }: Ownership): Promise<void> {
    const entry = this.#entries.get(clean(path))
    if (!entry) return
    if (uid !== undefined) entry.uid = uid
    if (gid !== undefined) entry.gid = gid
  }

  async setMode(path: string, mode: number): Promise<void> {
    const entry = this.#entries.get(clean(path))
    if (entry) entry.mode = mode
  }

  async resolveBelow(root: string, subPath: string): Promise<string> {
    if (subPath.split('/').includes('..')) throw new DiskError('outside', `${subPath} leaves ${root}`)
    const path = clean(`${root}/${subPath}`)
    if (!this.#entries.has(path)) await this.makeDirectory(path, 0o755)
    return path
  }

  async mounts(below: string): Promise<readonly MountPoint[]> {
    return [...this.#mounts.values()].filter(({ path }) => path === clean(below) || path.startsWith(prefixOf(below)))
  }

  async mount(request: MountRequest): Promise<void> {
    const path = clean(request.path)
    if (this.#mounts.has(path)) return
    const source = request.type === 'tmpfs' ? 'tmpfs' : request.source
    const error = this.mountErrors.get(source) ?? this.mountErrors.get(path)
    if (error) throw new DiskError('failed', error)
    await this.makeDirectory(path, 0o755)
    this.#mounts.set(path, { path, source, type: request.type })
  }

  async unmount(path: string): Promise<void> {
    this.#checkBusy(path)
    const mount = this.#mounts.get(clean(path))
    this.#mounts.delete(clean(path))
    if (mount?.type === 'tmpfs') for (const below of this.#below(path)) this.#entries.delete(below)
  }

  async usage(path: string): Promise<{ readonly bytes: number; readonly inodes: number }> {
    const below = this.#below(path)
    return { bytes: this.#bytesOf(below), inodes: below.length + 1 }
  }

  async fileSystemUsage(path: string): Promise<FileSystemUsage> {
    const usedBytes = this.#bytesOf(this.paths) + this.usedByOthersBytes
    const availableBytes = Math.max(0, this.#capacityBytes - usedBytes)
    const inodes = 10_000_000
    const inodesFree = inodes - this.#entries.size
    return { path, capacityBytes: this.#capacityBytes, availableBytes, usedBytes, inodes, inodesFree }
  }

  /** Mounts and what was only in memory are gone; the rest is still there. */
  reboot(): void {
    for (const { path, type } of this.#mounts.values()) {
      if (type === 'tmpfs') for (const below of this.#below(path)) this.#entries.delete(below)
    }
    this.#mounts.clear()
    this.busyPaths.clear()
  }

  #contentsOf(directory: string): readonly (readonly [string, string])[] {
    return this.#below(directory)
      .toSorted()
      .map(path => [path, Buffer.from(this.#entries.get(path)!.content).toString('base64')] as const)
  }

  #bytesOf(paths: readonly string[]): number {
    return paths.reduce((sum, path) => sum + this.#entries.get(path)!.content.byteLength, 0)
  }

  #below(path: string): string[] {
    const prefix = prefixOf(path)
    return this.paths.filter(found => found.startsWith(prefix) && found !== prefix)
  }

  #checkBusy(path: string): void {
    const busy = [...this.busyPaths].find(used => used === clean(path) || used.startsWith(prefixOf(path)))
    if (busy) throw new DiskError('busy', `${busy}: device or resource busy`)
  }

  #makeParents(path: string): void {
    const parts = path.split('/').slice(1, -1)
    let parent = ''
    for (const part of parts) {
      parent += `/${part}`
      if (!this.#entries.has(parent)) this.#put(parent, { kind: 'directory', mode: 0o755 })
    }
  }

  #put(
    path: string,
    { kind, mode, content = emptyContent }: { kind: PathKind; mode: number; content?: Uint8Array },
  ): void {
    this.#entries.set(clean(path), { kind, mode, content, uid: 0, gid: 0 })
  }
}

const clean = (path: string): string => path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1')
const prefixOf = (path: string): string => (clean(path) === '/' ? '/' : `${clean(path)}/`)
