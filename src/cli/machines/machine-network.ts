/**
 * Several machines on one: a network namespace each, linked by a bridge as computers are by a switch. What happens to a
 * machine's network in a failure drill (cut, heal) happens on the host's end of its cable, so the machine cannot tell.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { CommandError } from '../terminal.ts'

const run = promisify(execFile)

const BRIDGE = 'holdfast0'
const NFT_TABLE = 'holdfast_machines'
/** Outside the default ranges of Pods and Services, and rarely anyone's own. */
const LINK_PREFIX = '172.30.99'
/** The host's own address on the bridge: where the machines reach the API. */
export const HOST_ADDRESS = `${LINK_PREFIX}.1`
const FIRST_MACHINE_OCTET = 10
/** Linux cuts interface names at 15 characters. */
const INTERFACE_NAME_MAX = 15

export interface MachineLink {
  readonly name: string
  readonly address: string
  /** Path to enter with `nsenter --net=`. */
  readonly namespacePath: string
}

const namespaceOf = (name: string): string => `holdfast-${name}`

function cableOf(name: string): string {
  const plain = `hf-${name}`
  if (plain.length <= INTERFACE_NAME_MAX) return plain
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 5) // Long names that begin alike stay apart.
  return `${plain.slice(0, INTERFACE_NAME_MAX - digest.length)}${digest}`
}

/** The link of the machine that was made as number `index` (from 0). Pure: the machine may not exist. */
export const machineLinkOf = (name: string, index: number): MachineLink => ({
  name,
  address: `${LINK_PREFIX}.${FIRST_MACHINE_OCTET + index}`,
  namespacePath: `/run/netns/${namespaceOf(name)}`,
})

async function ip(...args: string[]): Promise<string> {
  const { stdout } = await run('ip', args)
  return stdout
}

async function exists(...args: string[]): Promise<boolean> {
  return ip(...args).then(
    () => true,
    () => false,
  )
}

/** Machines of two clusters would have the same addresses. */
export async function refuseForeignBridge(): Promise<void> {
  if (!(await exists('link', 'show', BRIDGE))) return
  throw new CommandError('another cluster of several machines is up on this host', {
    advice: `End it with "holdfast down --data-dir DIR". If there is none any more: ip link delete ${BRIDGE}`,
  })
}

/** Makes the bridge, and lets the machines reach the outside through the host. Safe to repeat. */
export async function ensureBridge(): Promise<void> {
  if (!(await exists('link', 'show', BRIDGE))) {
    await ip('link', 'add', BRIDGE, 'type', 'bridge')
    await ip('address', 'add', `${HOST_ADDRESS}/24`, 'dev', BRIDGE)
  }
  await ip('link', 'set', BRIDGE, 'up')
  await run('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1'])
  const rules = [
    `table ip ${NFT_TABLE}`,
    `delete table ip ${NFT_TABLE}`,
    `table ip ${NFT_TABLE} {`,
    '  chain outside {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    `    ip saddr ${LINK_PREFIX}.0/24 oifname != "${BRIDGE}" masquerade`,
    '  }',
    '}',
  ]
  const child = run('nft', ['-f', '-'])
  child.child.stdin!.end(`${rules.join('\n')}\n`)
  await child
}

/** Makes the machine's namespace and plugs it into the bridge. Safe to repeat. */
export async function ensureMachineLink({ name, address }: MachineLink): Promise<void> {
  const namespace = namespaceOf(name)
  const cable = cableOf(name)
  const inside = (...args: string[]): Promise<string> => ip('-n', namespace, ...args)
  if (!(await exists('-n', namespace, 'link', 'show', 'lo'))) await ip('netns', 'add', namespace)
  if (!(await exists('link', 'show', cable))) {
    await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
    await ip('link', 'set', cable, 'master', BRIDGE)
    await inside('address', 'add', `${address}/24`, 'dev', 'eth0')
  }
  await ip('link', 'set', cable, 'up')
  await inside('link', 'set', 'lo', 'up')
  await inside('link', 'set', 'eth0', 'up')
  await inside('route', 'replace', 'default', 'via', HOST_ADDRESS)
}

/** Pulls the machine's cable: everything on it runs on, and nobody reaches it. */
export async function cutMachine(name: string): Promise<void> {
  await ip('link', 'set', cableOf(name), 'down').catch(cause => {
    throw new CommandError(`machine "${name}" has no network to cut`, { cause })
  })
}

export async function healMachine(name: string): Promise<void> {
  await ip('link', 'set', cableOf(name), 'up').catch(cause => {
    throw new CommandError(`machine "${name}" has no network to heal`, { cause })
  })
}

/** Removes the machine's cable and namespace. What is not there is success. */
export async function removeMachineLink(name: string): Promise<void> {
  await ip('link', 'delete', cableOf(name)).catch(() => {})
  await ip('netns', 'delete', namespaceOf(name)).catch(() => {})
}

/** Removes the bridge and its rules. What is not there is success. */
export async function removeBridge(): Promise<void> {
  await ip('link', 'delete', BRIDGE).catch(() => {})
  await run('nft', ['delete', 'table', 'ip', NFT_TABLE]).catch(() => {})
}
