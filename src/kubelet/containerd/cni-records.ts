import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One network configuration, and the addresses that its plugins have given out. */
interface CniNetwork {
  readonly name: string
  readonly cniVersion: string
  readonly plugins: readonly CniPlugin[]
  readonly addresses: readonly { readonly address: string; readonly owner: string }[]
}

interface CniPlugin {
  readonly type: string
  readonly ipam?: { readonly type?: string; readonly dataDir?: string }
}

const ADDRESS_DIRECTORY = '/var/lib/cni/networks'
const INTERFACE = 'eth0'

/** Every network that is configured in a directory. A file that holds none is left out. */
export async function cniNetworksIn(directory: string): Promise<readonly CniNetwork[]> {
  const names = (await readdir(directory).catch(() => [])).filter(name => name.endsWith('.conflist'))
  const networks: CniNetwork[] = []
  for (const file of names) {
    const found = parsed(await readFile(join(directory, file), 'utf8').catch(() => ''))
    if (!found?.plugins) continue
    const { name = '', cniVersion = '', plugins } = found
    networks.push({ name, cniVersion, plugins, addresses: await addressesOf(name, plugins) })
  }
  return networks
}

/** host-local notes each address in a file of its name, whose first line is the sandbox that has it. */
async function addressesOf(network: string, plugins: readonly CniPlugin[]): Promise<CniNetwork['addresses']> {
  const ipam = plugins.map(plugin => plugin.ipam).find(found => found?.type === 'host-local')
  const directory = join(ipam?.dataDir ?? ADDRESS_DIRECTORY, network)
  const names = (await readdir(directory).catch(() => [])).filter(name => /^\d+(\.\d+){3}$/.test(name))
  const owners = names.map(async address => {
    const text = await readFile(join(directory, address), 'utf8').catch(() => '')
    return { address, owner: text.split('\n')[0]!.trim() }
  })
  return (await Promise.all(owners)).filter(({ owner }) => owner !== '')
}

export interface CniOptions {
  readonly cniBinaries: string
  readonly cniConfig: string
  readonly networkNamespace?: string
}

/** Has the plugins of every network take back what they gave a sandbox, whose network namespace may be gone (`DEL`). */
export async function forgetCniAddress(sandboxId: string, options: CniOptions): Promise<void> {
  for (const { name, cniVersion, plugins } of await cniNetworksIn(options.cniConfig)) {
    for (const plugin of plugins.toReversed()) {
      await deleteWith(plugin.type, { sandboxId, config: JSON.stringify({ name, cniVersion, ...plugin }), options })
    }
  }
}

async function deleteWith(
  type: string,
  { sandboxId, config, options }: { sandboxId: string; config: string; options: CniOptions },
): Promise<void> {
  const { cniBinaries, networkNamespace } = options
  const binary = join(cniBinaries, type)
  const [file, ...args] = networkNamespace ? ['nsenter', `--net=${networkNamespace}`, '--', binary] : [binary]
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    CNI_COMMAND: 'DEL',
    CNI_CONTAINERID: sandboxId,
    CNI_NETNS: '',
    CNI_IFNAME: INTERFACE,
    CNI_PATH: cniBinaries,
  }
  const child = spawn(file!, args, { env, stdio: ['pipe', 'ignore', 'ignore'] })
  child.stdin.on('error', () => {}) // It ended without reading; its exit code says more.
  child.stdin.end(config)
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0)
    throw new Error(`the network plugin ${type} could not forget sandbox ${sandboxId} (exit code ${code})`)
}

function parsed(text: string): Partial<CniNetwork> | undefined {
  try {
    return JSON.parse(text) as Partial<CniNetwork>
  } catch {
    return undefined // Somebody is writing it.
  }
}
