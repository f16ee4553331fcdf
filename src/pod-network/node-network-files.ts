import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { NetworkFiles } from './network-files.ts'

export const nodeNetworkFiles: NetworkFiles = {
  list: directory => readdir(directory).catch(error => missingAs([], error)),
  read: path => readFile(path, 'utf8').catch(error => missingAs(undefined, error)),
  async write(path, content) {
    await mkdir(dirname(path), { recursive: true })
    // Runtimes watch the directory and must not see half a file, nor take this one for a configuration.
    const draft = `${path}.draft`
    await writeFile(draft, content)
    await rename(draft, path)
  },
  remove: path => rm(path, { recursive: true, force: true }),
}

function missingAs<T>(value: T, error: NodeJS.ErrnoException): T {
  if (error.code === 'ENOENT') return value
  throw error
}
