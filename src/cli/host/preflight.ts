/** What a machine must have before a cluster can start on it, each with its reason and the way on. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { CommandError } from '../terminal.ts'

export interface PreflightOptions {
  readonly dataDir: string
  readonly port: number
  readonly bindAddress: string
  /** The user's own containerd, if one was named. */
  readonly criEndpoint: string | undefined
  readonly path: string
}

interface Need {
  readonly command: string
  readonly debianPackage: string
  readonly reason: string
}

const CONTAINERD: Need = { command: 'containerd', debianPackage: 'containerd', reason: 'runs the containers of Pods' }
const NEEDS: readonly Need[] = [
  { command: 'runc', debianPackage: 'runc', reason: 'starts each container' },
  { command: 'nft', debianPackage: 'nftables', reason: 'Services: cluster IPs and node ports' },
  { command: 'ip', debianPackage: 'iproute2', reason: 'addresses, routes, network namespaces' },
  { command: 'nsenter', debianPackage: 'util-linux', reason: 'enters network namespaces' },
  { command: 'mount', debianPackage: 'mount', reason: 'volumes of Pods' },
]
const CNI_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin']
const FREE_BYTES_MIN = 256 * 1024 * 1024

/** Throws a `CommandError` for anyone but root. */
export function requireRoot(userId: number): void {
  if (userId === 0) return
  throw new CommandError('real containers need root, and this is not root', {
    advice:
      'Run it with sudo. For a cluster of simulated machines inside a test, root is not needed: see docs/testing.md.',
  })
}

/** Throws one `CommandError` that names everything missing. */
export async function checkMachine(options: PreflightOptions): Promise<void> {
  checkPrograms(options)
  checkKernel()
  checkRoom(options.dataDir)
  await checkPort(options)
}

function checkPrograms({ criEndpoint, path }: PreflightOptions): void {
  const needs = criEndpoint ? NEEDS : [CONTAINERD, ...NEEDS]
  const missing = needs.filter(({ command }) => !isOnPath(command, path))
  const packages = missing.map(({ debianPackage }) => debianPackage)
  const lines = missing.map(({ command, reason }) => `  ${command} (${reason})`)
  if (!CNI_FOLDERS.some(folder => existsSync(join(folder, 'bridge')))) {
    packages.push('containernetworking-plugins')
    lines.push(`  the CNI plugins in ${CNI_FOLDERS.join(' or ')} (connect Pods to the network)`)
  }
  if (lines.length === 0) return
  throw new CommandError(`this machine lacks:\n${lines.join('\n')}`, {
    advice: `On Debian or Ubuntu: apt-get install ${packages.join(' ')}`,
  })
}

function isOnPath(command: string, path: string): boolean {
  return [...path.split(delimiter), '/usr/sbin', '/sbin'].some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function checkKernel(): void {
  const fileSystems = readFileSync('/proc/filesystems', 'utf8')
  if (!/\boverlay\b/.test(fileSystems) && !existsSync('/sys/module/overlay')) {
    throw new CommandError('the kernel has no overlay file system, which container images need', {
      advice: 'Load it with: modprobe overlay',
    })
  }
  if (!existsSync('/sys/fs/cgroup'))
    throw new CommandError('/sys/fs/cgroup is not mounted, and containers need cgroups')
}

function checkRoom(dataDir: string): void {
  let folder = dataDir
  while (!existsSync(folder)) folder = join(folder, '..')
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize >= FREE_BYTES_MIN) return
  throw new CommandError(
    `${folder} has ${Math.floor((bavail * bsize) / 2 ** 20)} MiB free; a cluster needs at least 256 MiB to start`,
    {
      advice: 'Make room, or choose another place with --data-dir.',
    },
  )
}

async function checkPort({ port, bindAddress }: PreflightOptions): Promise<void> {
  const probe = createServer()
  const code = await new Promise<string | undefined>(resolve => {
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    probe.listen(port, bindAddress, () => probe.close(() => resolve(undefined)))
  })
  if (code === undefined) return
  if (code === 'EADDRINUSE') {
    throw new CommandError(`port ${port} is taken by another program`, {
      advice: `Find it with: ss -ltnp 'sport = :${port}'. Or choose another port with --port.`,
    })
  }
  throw new CommandError(`cannot listen on ${bindAddress}:${port}: ${code}`, {
    advice: 'Choose another --bind-address or --port.',
  })
}
