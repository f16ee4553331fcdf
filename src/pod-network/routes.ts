import { addressNumberOf, addressRangeOf, addressTextOf } from '../machinery/address-range.ts'

export const TUNNEL = 'holdfast.vx'
/** Marks routes as ours, so that we find them again and never touch another's. Unassigned in rt_protos. */
export const ROUTE_PROTOCOL = 117
/** The header that VXLAN puts around a packet: IPv4, UDP, VXLAN, Ethernet. */
export const TUNNEL_HEADER_BYTES = 50
const TUNNEL_ID = 4711
/** IANA's port for VXLAN. */
const TUNNEL_PORT = 4789

/** Another machine of the cluster, as seen from this one. */
export interface Peer {
  readonly name: string
  readonly address: string
  readonly podRange: string
  /** On a link of this machine's own: packets go there as they are. Others go through the tunnel. */
  readonly isOnLink: boolean
}

export interface TunnelEnd {
  /** The network address of the machine's Pod range, which no Pod has. */
  readonly address: string
  /** Follows from the machine's address, so nobody has to publish it. */
  readonly mac: string
}

function tunnelEndOf({ address, podRange }: Pick<Peer, 'address' | 'podRange'>): TunnelEnd {
  const bytes = addressTextOf(addressNumberOf(address) ?? 0).split('.')
  const mac = ['0e', '48', ...bytes.map(byte => Number(byte).toString(16).padStart(2, '0'))].join(':')
  return { address: addressTextOf(addressRangeOf(podRange).first), mac }
}

/** Commands for `ip -batch` that lead to each peer's Pods; each may run any number of times. */
export const routeCommands = (peers: readonly Peer[]): readonly string[] =>
  peers.flatMap(peer => {
    if (peer.isOnLink) return [`route replace ${peer.podRange} via ${peer.address} proto ${ROUTE_PROTOCOL}`]
    const { address, mac } = tunnelEndOf(peer)
    return [
      `neigh replace ${address} lladdr ${mac} dev ${TUNNEL} nud permanent`,
      `route replace ${peer.podRange} via ${address} dev ${TUNNEL} onlink proto ${ROUTE_PROTOCOL}`,
    ]
  })

/** Commands for `bridge -batch`: behind which machine each tunnel end lies. */
export const forwardingCommands = (peers: readonly Peer[]): readonly string[] =>
  peers
    .filter(({ isOnLink }) => !isOnLink)
    .map(peer => `fdb replace ${tunnelEndOf(peer).mac} dev ${TUNNEL} dst ${peer.address}`)

/** Commands for `ip -batch` that make this machine's own end of the tunnel. */
export function tunnelCommands({
  mtu,
  ...self
}: Pick<Peer, 'address' | 'podRange'> & { mtu: number }): readonly string[] {
  const { address, mac } = tunnelEndOf(self)
  return [
    `link add ${TUNNEL} address ${mac} mtu ${mtu} type vxlan id ${TUNNEL_ID} dstport ${TUNNEL_PORT} local ${self.address} nolearning`,
    `address add ${address}/32 dev ${TUNNEL}`,
    `link set ${TUNNEL} up`,
  ]
}
