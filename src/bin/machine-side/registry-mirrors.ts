import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from '../../cli/terminal.ts'

/** A registry, and where its images are pulled from first. */
export interface RegistryMirror {
  /** As in the names of images: `docker.io`, `registry.example:5000`. */
  readonly registry: string
  readonly url: string
}

/** Reads `HOST=URL`. */
export function registryMirrorFrom(text: string): RegistryMirror {
  const [, registry, url] = /^([a-z0-9.-]+(?::\d+)?)=(https?:\/\/[^\s"]+)$/i.exec(text) ?? []
  if (registry && url) return { registry, url: url.replace(/\/+$/, '') }
  throw new CommandError(`--registry-mirror: "${text}" is not of the form HOST=URL`, {
    advice: 'For example: docker.io=http://127.0.0.1:5000',
  })
}

/** Tells containerd of exactly these mirrors, in a folder that is ours (`HOST/hosts.toml`, read at every pull). */
export async function writeRegistryMirrors(folder: string, mirrors: readonly RegistryMirror[]): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const [registry, ofRegistry] of Map.groupBy(mirrors, mirror => mirror.registry)) {
    await mkdir(join(folder, registry))
    await writeFile(join(folder, registry, 'hosts.toml'), hostsText(registry, ofRegistry))
  }
}

/** In the order given; the registry itself is asked last. */
export function hostsText(registry: string, mirrors: readonly RegistryMirror[]): string {
  const server = registry === 'docker.io' ? 'registry-1.docker.io' : registry // The one host that serves other names.
  const hosts = mirrors.map(({ url }) => `\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`)
  return `server = "https://${server}"\n${hosts.join('')}`
}
