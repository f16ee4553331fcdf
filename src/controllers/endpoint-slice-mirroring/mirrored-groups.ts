import type { EndpointAddress, Endpoints, Service } from '../../api/core-v1/types.ts'
import type { Endpoint } from '../../api/discovery-v1/types.ts'
import type { AddressType } from '../endpoint-slice/endpoint.ts'
import type { EndpointGroup } from '../endpoint-slice/packing.ts'
import { choosesPods } from '../endpoint-slice/service-pods.ts'

/** Addresses of one subset that are mirrored; people do not write more by hand. */
const ADDRESSES_MAX = 1000

const SKIP = 'endpointslice.kubernetes.io/skip-mirror'
const LEADER = 'control-plane.alpha.kubernetes.io/leader'

/** People wrote these Endpoints themselves: no selector makes them, nothing says to leave them alone. */
export const isMirrored = ({ metadata }: Endpoints, service: Service | undefined): boolean =>
  service !== undefined &&
  !choosesPods(service) &&
  service.spec.type !== 'ExternalName' &&
  metadata.labels?.[SKIP] !== 'true' &&
  metadata.annotations?.[LEADER] === undefined

/** What the slices of these Endpoints shall hold. */
export function mirroredGroups({ subsets = [] }: Endpoints): readonly EndpointGroup[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
    const all = [
      ...addresses.map(address => endpointOf(address, true)),
      ...notReadyAddresses.map(address => endpointOf(address, false)),
    ].slice(0, ADDRESSES_MAX)
    const slicePorts = ports.map(({ name = '', protocol = 'TCP', ...rest }) => ({ name, protocol, ...rest }))
    const families = Map.groupBy(all, ({ addresses: [ip = ''] }): AddressType => (ip.includes(':') ? 'IPv6' : 'IPv4'))
    return [...families].map(([addressType, endpoints]) => ({ addressType, ports: slicePorts, endpoints }))
  })
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  }
}
