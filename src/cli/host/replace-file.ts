import { chmodSync, renameSync, writeFileSync } from 'node:fs'

/**
 * Writes a file all or nothing: a reader, and whoever comes after a crash, sees the old file or the new one. Readable by its
 * owner only, unless `mode` says otherwise.
 */
export function replaceFile(path: string, text: string, { mode = 0o600 }: { readonly mode?: number } = {}): void {
  const draft = `${path}.holdfast-${process.pid}`
  writeFileSync(draft, text, { mode })
  chmodSync(draft, mode) // One that a killed process left may have another.
  renameSync(draft, path)
}
