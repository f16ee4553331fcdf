import type { ContainerRuntime, Image } from '../doors.ts'
import { localDisk } from '../machine/local-disk.ts'
import { runCommand } from '../machine/run-command.ts'

export interface ImageStoreOptions {
  /** containerd's socket. */
  readonly endpoint: string
  readonly runtime: ContainerRuntime
}

const IMPORT_TIMEOUT_MS = 1_800_000

/** The images of one machine, as `holdfast image` manages them: brought in from files, listed, removed. */
export class ImageStore {
  readonly #options: ImageStoreOptions
  #imports = 0

  constructor(options: ImageStoreOptions) {
    this.#options = options
  }

  /** Loads a file that `docker save`, `ctr image export` or `scripts/images` wrote; resolves with the names in it. */
  async load(path: string): Promise<readonly string[]> {
    const output = await this.#ctr(['images', 'import', '--digests=false', path])
    return [...output.matchAll(/^unpacking (\S+)/gm)].map(([, name]) => name!)
  }

  /** As `load`, from memory. */
  async loadArchive(archive: Uint8Array): Promise<readonly string[]> {
    const path = `${this.#options.endpoint}.import-${++this.#imports}.tar`
    try {
      await localDisk.writeFile(path, archive, 0o600)
      return await this.load(path)
    } finally {
      await localDisk.remove(path)
    }
  }

  list(): Promise<readonly Image[]> {
    return this.#options.runtime.listImages()
  }

  /** False when there was no such image. */
  async remove(reference: string): Promise<boolean> {
    const image = await this.#options.runtime.findImage(reference)
    if (!image) return false
    await this.#options.runtime.removeImage(reference)
    return true
  }

  #ctr(args: readonly string[]): Promise<string> {
    const { endpoint } = this.#options
    return runCommand('ctr', ['--address', endpoint, '--namespace', 'k8s.io', ...args], {
      timeoutMs: IMPORT_TIMEOUT_MS,
    })
  }
}
