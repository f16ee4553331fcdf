import type { Endpoints } from '../../api/core-v1/types.ts'
import type { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'

/** The Service by which Pods find the API. */
export const OWN_SERVICE = { namespace: 'default', name: 'kubernetes' }
const SERVICE_LABEL = { 'kubernetes.io/service-name': OWN_SERVICE.name }
/** Where its EndpointSlices are. */
export const SLICES = { namespace: OWN_SERVICE.namespace, labels: SERVICE_LABEL }

export interface ServersOfPort {
  readonly port: number
  readonly addresses: readonly string[]
}

/** Takes holders of Leases apart, `192.0.2.1 6443,192.0.2.2 6443` each. In order, so that all servers write the same. */
export function addressesByPort(holders: readonly string[]): ServersOfPort[] {
  const groups = new Map<number, Set<string>>()
  for (const pair of holders.flatMap(holder => holder.split(','))) {
    const match = /^(\S+) (\d+)$/.exec(pair)
    if (!match) continue // Somebody wrote into the Lease by hand; it is renewed soon.
    const port = Number(match[2])
    groups.set(port, (groups.get(port) ?? new Set()).add(match[1]!))
  }
  return [...groups]
    .map(([port, addresses]) => ({ port, addresses: [...addresses].sort() }))
    .sort((a, b) => a.port - b.port)
}

const SKIP_MIRRORING = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }

export const ownEndpoints = (groups: readonly ServersOfPort[]): Unsaved<Endpoints> => ({
  metadata: { ...OWN_SERVICE, labels: SKIP_MIRRORING },
  subsets: groups.map(({ port, addresses }) => ({
    addresses: addresses.map(ip => ({ ip })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  })),
})

/** A slice has one port for all its addresses: servers on other ports are in slices of their own. */
export const ownSlices = (groups: readonly ServersOfPort[]): Unsaved<EndpointSlice>[] =>
  groups.map(({ port, addresses }, index) => ({
    metadata: {
      namespace: OWN_SERVICE.namespace,
      name: index === 0 ? OWN_SERVICE.name : `${OWN_SERVICE.name}-${port}`,
      labels: SERVICE_LABEL,
    },
    addressType: 'IPv4',
    endpoints: addresses.map(address => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  }))
