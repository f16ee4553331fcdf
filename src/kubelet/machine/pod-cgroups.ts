import { mkdir, readdir, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PodCgroupResources, PodCgroups } from '../doors.ts'
import { isMissing } from './file-tree.ts'

const MOUNT = '/sys/fs/cgroup'
const CPU_PERIOD_US = 100_000
const POD_PREFIX = 'pod'

export interface CgroupOptions {
  /** The cgroup below which those of Pods are made, for example `/kubepods`. */
  readonly root: string
  readonly mount?: string
}

/** cgroups of either version, one for each Pod, with the limits that hold for the Pod as a whole. */
export async function podCgroups({ root, mount = MOUNT }: CgroupOptions): Promise<PodCgroups> {
  const isUnified = await exists(join(mount, 'cgroup.controllers'))
  const hierarchies = isUnified ? [mount] : await controllerMounts(mount)
  const pathOf = (podUid: string): string => `${root}/${POD_PREFIX}${podUid}`
  return {
    async ensure(podUid, resources) {
      const path = pathOf(podUid)
      if (isUnified) await ensureUnified({ mount, root, path }, resources)
      else await ensureSeparate({ mount, path }, resources)
      return path
    },
    async list() {
      const found = await Promise.all(hierarchies.map(hierarchy => directoriesIn(join(hierarchy, root))))
      const names = found.flat().filter(name => name.startsWith(POD_PREFIX))
      return [...new Set(names.map(name => name.slice(POD_PREFIX.length)))]
    },
    async remove(podUid) {
      for (const hierarchy of hierarchies) await removeTree(join(hierarchy, pathOf(podUid)))
    },
  }
}

async function ensureUnified(
  { mount, root, path }: { mount: string; root: string; path: string },
  { cpuShares, cpuQuota, memoryLimitBytes }: PodCgroupResources,
): Promise<void> {
  await mkdir(join(mount, path), { recursive: true })
  for (const parent of [mount, join(mount, root)]) {
    await writeFile(join(parent, 'cgroup.subtree_control'), '+cpu +memory +pids').catch(() => {}) // Not all may be delegated to us.
  }
  await writeFile(join(mount, path, 'cpu.weight'), String(weightOf(cpuShares))).catch(() => {}) // Likewise.
  if (cpuQuota !== undefined) await writeFile(join(mount, path, 'cpu.max'), `${cpuQuota} ${CPU_PERIOD_US}`)
  if (memoryLimitBytes !== undefined) await writeFile(join(mount, path, 'memory.max'), String(memoryLimitBytes))
}

/** Shares of version 1 (2 to 262144) as weights of version 2 (1 to 10000), as OCI runtimes convert them. */
const weightOf = (shares: number): number => 1 + Math.floor(((Math.max(2, shares) - 2) * 9999) / 262_142)

async function ensureSeparate(
  { mount, path }: { mount: string; path: string },
  { cpuShares, cpuQuota, memoryLimitBytes }: PodCgroupResources,
): Promise<void> {
  const cpu = join(mount, 'cpu', path)
  const memory = join(mount, 'memory', path)
  await mkdir(cpu, { recursive: true })
  await mkdir(memory, { recursive: true })
  await writeFile(join(cpu, 'cpu.shares'), String(cpuShares))
  if (cpuQuota !== undefined) await writeFile(join(cpu, 'cpu.cfs_quota_us'), String(cpuQuota))
  if (memoryLimitBytes !== undefined) await writeFile(join(memory, 'memory.limit_in_bytes'), String(memoryLimitBytes))
}

async function controllerMounts(mount: string): Promise<readonly string[]> {
  const names = await directoriesIn(mount)
  return names.map(name => join(mount, name))
}

const directoriesIn = async (path: string): Promise<readonly string[]> => {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** A cgroup goes by `rmdir`, its children first; the files in it are not there to be removed. */
async function removeTree(path: string): Promise<void> {
  for (const name of await directoriesIn(path)) await removeTree(join(path, name))
  try {
    await rmdir(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
