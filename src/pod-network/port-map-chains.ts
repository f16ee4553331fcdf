import type { Commands } from '../machinery/commands.ts'

/** What the portmap plugin makes once for a machine and never takes away; its chains for single Pods go with the Pods. */
const SHARED_CHAINS = ['CNI-HOSTPORT-DNAT', 'CNI-HOSTPORT-MASQ', 'CNI-HOSTPORT-SETMARK', 'CNI-HOSTPORT-SNAT']
const POD_CHAIN = /^-N CNI-(DN|SN)-/

/** Removes the portmap plugin's shared chains once no Pod has a port on the machine any more. */
export async function removePortMapChains(commands: Commands): Promise<void> {
  const listing = await commands.run('iptables', ['-t', 'nat', '-S']).catch(() => '') // No iptables, no chains.
  const lines = listing.split('\n')
  if (lines.some(line => POD_CHAIN.test(line))) return
  const present = SHARED_CHAINS.filter(chain => lines.includes(`-N ${chain}`))
  if (present.length === 0) return
  const mentions = (line: string): boolean => present.some(chain => line.split(' ').includes(chain))
  // First every rule that leads into one of them, then the chains: a chain in use cannot be deleted.
  const jumps = lines.filter(line => line.startsWith('-A ') && mentions(line)).map(line => `-D${line.slice(2)}`)
  const input = [
    '*nat',
    ...jumps,
    ...present.map(chain => `-F ${chain}`),
    ...present.map(chain => `-X ${chain}`),
    'COMMIT',
    '',
  ]
  await commands.run('iptables-restore', ['--noflush'], { input: input.join('\n') })
}
