import { MASQUERADE_MARK } from '../plan/service-rules.ts'

/** The one table that is ours. */
export const TABLE = 'ip holdfast'
/** The stamp in it is replaced by every change of ours, first of all: deletions before that are somebody else's. */
export const STAMP_SET = 'stamp'
const STAMP = `set ${STAMP_SET} { type mark; }`
/** Put there to be replaced when the table was not there before. */
const FIRST_STAMP = '0x00000000'
/** Comes and goes at the end of every change of ours: deletions after that are somebody else's again. */
export const END_STAMP = '0xffffffff'

export interface TableOptions {
  readonly clusterPodRange: string
  readonly serviceRange: string
}

/** Commands that the kernel carries out together or not at all. */
export interface Transaction {
  readonly commands: string
  /** What it leaves in the table. */
  readonly stamp: string
  /** Whether it makes the table anew. */
  readonly isWhole: boolean
}

/**
 * The table without any Service, replacing what was there. Addresses of Services lie in maps, so that however many there
 * are, a packet costs one look-up; only the first packet of a connection comes here at all.
 *
 * `services` leads an address to a chain named for the number of its endpoints; that chain draws a number and looks up
 * which endpoint has it. A change of endpoints thereby touches elements of maps, and no rule.
 */
export const emptyTable = ({ clusterPodRange, serviceRange }: TableOptions): string => `table ${TABLE} { ${STAMP}; }
add element ${TABLE} ${STAMP_SET} { ${FIRST_STAMP} }
flush set ${TABLE} ${STAMP_SET}
delete table ${TABLE}
table ${TABLE} {
  ${STAMP}
  set hairpin { type ipv4_addr . ipv4_addr; }
  map services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map external { type ipv4_addr . inet_proto . inet_service : verdict; }
  map node_ports { type inet_proto . inet_service : verdict; }
  map refused { type ipv4_addr . inet_proto . inet_service : verdict; }
  map refused_node_ports { type inet_proto . inet_service : verdict; }
  map endpoints {
    typeof ip daddr . meta l4proto . th dport . numgen random mod 65536 : ip daddr . th dport
  }
  chain route {
    ip daddr . meta l4proto . th dport vmap @services
    ip daddr . meta l4proto . th dport vmap @external
    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @node_ports
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump route
  }
  chain output {
    type nat hook output priority -100; policy accept;
    jump route
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & ${MASQUERADE_MARK} == ${MASQUERADE_MARK} meta mark set meta mark and 0xffffbfff masquerade
    ct status dnat ip saddr . ip daddr @hairpin masquerade
    ct status dnat ct original ip daddr ${serviceRange} ip saddr != ${clusterPodRange} fib saddr type != local masquerade
  }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain refusals {
    ip daddr . meta l4proto . th dport vmap @refused
    fib daddr type local meta l4proto . th dport vmap @refused_node_ports
    ip daddr ${serviceRange} fib daddr type != local goto refuse
  }
  chain filter-input {
    type filter hook input priority -10; policy accept;
    ct state new jump refusals
  }
  chain filter-forward {
    type filter hook forward priority -10; policy accept;
    ct state new jump refusals
  }
  chain filter-output {
    type filter hook output priority -10; policy accept;
    ct state new jump refusals
  }
}
`

/** Draws one of `count` endpoints of the address that was called. */
export const pickChain = (count: number): string => {
  const drawn = (mod: number): string => `ip daddr . meta l4proto . th dport . numgen random mod ${mod} map @endpoints`
  const to = 'meta l4proto { tcp, udp, sctp } dnat ip to'
  // The last number may have gone between two look-ups of one packet. The first is always there.
  const rules = count === 1 ? [`${to} ${drawn(1)}`] : [`${to} ${drawn(count)}`, `${to} ${drawn(1)}`]
  return `add chain ${TABLE} pick-${count}\n${rules.map(rule => `add rule ${TABLE} pick-${count} ${rule}\n`).join('')}`
}

/** The end of each change, which leaves its stamp. The beginning is to flush the set. */
export const stampAtEnd = (stamp: string): string =>
  ['add', 'delete'].map(verb => `${verb} element ${TABLE} ${STAMP_SET} { ${END_STAMP} }\n`).join('') +
  `add element ${TABLE} ${STAMP_SET} { ${stamp} }\n`
