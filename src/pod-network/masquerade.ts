/** One table of our own. Everything else in the machine's rules belongs to somebody else. */
export const MASQUERADE_TABLE = 'holdfast_pods'

export interface MasqueradeOptions {
  readonly ownPodRange: string
  readonly clusterPodRange: string
  readonly machineAddresses: readonly string[]
}

/**
 * A ruleset for `nft -f` that hides this machine's Pods behind its address, but only towards the outside: Pods and
 * machines of the cluster see each other's own addresses. Replaces the table as a whole, in one step.
 */
export function masqueradeRules({ ownPodRange, clusterPodRange, machineAddresses }: MasqueradeOptions): string {
  const machines = machineAddresses.length > 0 ? `\n    elements = { ${machineAddresses.join(', ')} }` : ''
  return `table ip ${MASQUERADE_TABLE}
delete table ip ${MASQUERADE_TABLE}
table ip ${MASQUERADE_TABLE} {
  set machines {
    type ipv4_addr${machines}
  }
  chain outside {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr != ${ownPodRange} return
    ip daddr ${clusterPodRange} return
    ip daddr @machines return
    ip daddr 224.0.0.0/4 return
    masquerade
  }
}
`
}
