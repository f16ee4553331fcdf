import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { killProcesses, listProcesses, withDescendants } from '../machine/process-list.ts'
import { runCommand } from '../machine/run-command.ts'
import { cniNetworksIn, forgetCniAddress } from './cni-records.ts'
import type { ContainerdPaths } from './containerd-config.ts'

export interface TracesOptions extends Pick<ContainerdPaths, 'state' | 'socket' | 'cniBinaries' | 'cniConfig'> {
  readonly networkNamespace?: string
}

/** What there is of sandboxes on the machine, whether containerd knows of them or not. */
export interface SandboxTraces {
  readonly shims: readonly Shim[]
  /** Paths at which network namespaces are mounted. */
  readonly namespaces: readonly string[]
  readonly addressOwners: readonly string[]
}

interface Shim {
  readonly pid: number
  readonly sandboxId: string
}

/**
 * Looks before containerd starts. A containerd that was killed while it made a sandbox leaves parts of it of which the
 * next one knows nothing: a shim without a container, a network namespace, an address.
 */
export async function sandboxTraces(options: TracesOptions): Promise<SandboxTraces> {
  const networks = await cniNetworksIn(options.cniConfig)
  return {
    shims: shimsOf(options.socket),
    namespaces: await namespacesBelow(join(options.state, 'io.containerd.grpc.v1.cri', 'netns')),
    addressOwners: networks.flatMap(({ addresses }) => addresses.map(({ owner }) => owner)),
  }
}

/** Ids of sandboxes, as containerd tells them. */
export interface KnownSandboxes {
  readonly all: ReadonlySet<string>
  /** Those that are ready, or in which a container runs. */
  readonly living: ReadonlySet<string>
}

/**
 * Removes what was there before containerd started and is of no sandbox that it knows now; and shims of sandboxes that do
 * not live, whatever they were still busy with when containerd asked them. What was made since then is not touched.
 */
export async function removeAbandoned(
  traces: SandboxTraces,
  { known, options }: { known: KnownSandboxes; options: TracesOptions },
): Promise<readonly string[]> {
  const ended = endShims(traces.shims, { living: known.living, socket: options.socket })
  const owners = [...new Set(traces.addressOwners)].filter(id => !known.all.has(id))
  for (const id of owners) await forgetCniAddress(id, options)
  const namespaces = await removeUnused(traces.namespaces)
  return [...ended.map(id => `shim ${id}`), ...owners.map(id => `address of ${id}`), ...namespaces]
}

function shimsOf(socket: string): readonly Shim[] {
  return listProcesses().flatMap(({ pid, command }) => {
    const isOurs = command.includes('containerd-shim') && command.includes(`-address ${socket} `)
    const sandboxId = / -id (\S+) /.exec(command)?.[1]
    return isOurs && sandboxId ? [{ pid, sandboxId }] : []
  })
}

function endShims(
  before: readonly Shim[],
  { living, socket }: { living: ReadonlySet<string>; socket: string },
): readonly string[] {
  const now = new Map(shimsOf(socket).map(({ pid, sandboxId }) => [pid, sandboxId]))
  const processes = listProcesses()
  const abandoned = before.filter(({ pid, sandboxId }) => {
    const isThere = now.get(pid) === sandboxId
    return isThere && (!living.has(sandboxId) || withDescendants(processes, [pid]).size === 1)
  })
  const pids = abandoned.map(({ pid }) => pid)
  killProcesses(withDescendants(processes, pids))
  return abandoned.map(({ sandboxId }) => sandboxId)
}

async function namespacesBelow(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []) // No sandbox was ever made.
  return names.map(name => join(directory, name))
}

/** Of those in which no process lives. A sandbox that is known and has ended needs its namespace no more. */
async function removeUnused(paths: readonly string[]): Promise<readonly string[]> {
  const used = new Set(await Promise.all(listProcesses().map(({ pid }) => inodeOf(`/proc/${pid}/ns/net`))))
  const removed: string[] = []
  for (const path of paths) {
    const inode = await inodeOf(path)
    if (inode === undefined || used.has(inode)) continue
    await runCommand('umount', [path]).catch(() => {}) // It may never have been mounted.
    await rm(path, { force: true })
    removed.push(`network namespace ${path}`)
  }
  return removed
}

const inodeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ ino }) => ino,
    () => undefined,
  )
