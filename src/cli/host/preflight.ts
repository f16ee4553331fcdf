/** What a machine must have before a cluster can start on it, each with its reason and the way on. */
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { CommandError } from '../terminal.ts'

export interface MachineNeeds {
  readonly dataDir: string
  /** The user's own containerd, if one was named. */
  readonly criEndpoint: string | undefined
  readonly path: string
  /** Its ports are not those of this host. */
  readonly hasOwnNetwork?: boolean
}

export interface ServerNeeds extends MachineNeeds {
  readonly port: number
  readonly bindAddress: string
  readonly nodes: number
  /** Whether a cluster of one machine runs Pods on this host. */
  readonly machine: boolean
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
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'
const FREE_BYTES_MIN = 256 * 1024 * 1024

/** Throws a `CommandError` for anyone but root. */
export function requireRoot(userId: number): void {
  if (userId === 0) return
  throw new CommandError('real containers need root, and this is not root', {
    advice:
      'Run it with sudo. For a cluster of simulated machines inside a test, root is not needed: see docs/testing.md.',
  })
}

/** What a server needs, and the machines that it runs itself or that `up` makes. Throws one `CommandError` that names everything missing. */
export async function checkServer(options: ServerNeeds): Promise<void> {
  const { nodes, machine, port, bindAddress } = options
  const runsPods = nodes === 1 && machine
  if (runsPods || nodes > 1) await checkMachine({ ...options, hasOwnNetwork: nodes > 1 })
  await checkPort({ port, bindAddress })
}

/** What a machine needs to run Pods. */
export async function checkMachine(options: MachineNeeds): Promise<void> {
  checkPrograms(options)
  await checkKernel()
  checkRoom(options.dataDir)
  if (!options.hasOwnNetwork) await checkKubeletPort()
}

function checkPrograms({ criEndpoint, path }: MachineNeeds): void {
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

export function isOnPath(command: string, path: string): boolean {
  return [...path.split(delimiter), '/usr/sbin', '/sbin'].some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

async function checkKernel(): Promise<void> {
  const fileSystems = readFileSync('/proc/filesystems', 'utf8')
  if (!/\boverlay\b/.test(fileSystems) && !existsSync('/sys/module/overlay')) {
    throw new CommandError('the kernel has no overlay file system, which container images need', {
      advice: 'Load it with: modprobe overlay',
    })
  }
  if (!existsSync('/sys/fs/cgroup') || readdirSync('/sys/fs/cgroup').length === 0) {
    throw new CommandError('/sys/fs/cgroup is not mounted, and containers need cgroups', {
      advice: 'Mount it with: mount -t cgroup2 none /sys/fs/cgroup',
    })
  }
  if (!existsSync('/proc/self/ns/net')) throw new CommandError('the kernel has no network namespaces, which Pods need')
  await promisify(execFile)('nft', ['list', 'tables'], { env: { PATH: SYSTEM_PATH } }).catch(cause => {
    throw new CommandError(`nftables, which Services need, does not work here: ${lastLineOf(cause)}`, {
      advice: 'Load it with "modprobe nf_tables", or use a kernel of 4.18 or newer that has it.',
      cause,
    })
  })
}

const lastLineOf = (failure: { stderr?: string; message: string }): string =>
  (failure.stderr || failure.message).trim().split('\n').at(-1)!

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

/** Where the API server asks a machine for logs, exec and the like: the same port everywhere, so it cannot be chosen. */
export const KUBELET_PORT = 10_250

async function checkKubeletPort(): Promise<void> {
  if ((await bindProblem(KUBELET_PORT, '0.0.0.0')) === undefined) return
  throw new CommandError(
    `port ${KUBELET_PORT}, by which this machine is asked for logs and exec, is taken by another program`,
    {
      advice: [
        `Find it with: ss -ltnp 'sport = :${KUBELET_PORT}'. It may be the machine of another cluster, of which a host has room for one.`,
        'Machines with a network of their own: --nodes 2. A server that runs no Pods: --no-machine.',
      ].join('\n'),
    },
  )
}

async function bindProblem(port: number, address: string): Promise<string | undefined> {
  const probe = createServer()
  return new Promise(resolve => {
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    probe.listen(port, address, () => probe.close(() => resolve(undefined)))
  })
}

async function checkPort({ port, bindAddress }: Pick<ServerNeeds, 'port' | 'bindAddress'>): Promise<void> {
  const code = await bindProblem(port, bindAddress)
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
