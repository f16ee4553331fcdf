/** The bridge that a machine's Pods hang on. Our own name: `cni0` may be another network's. */
export const BRIDGE = 'holdfast-pods'
/** Sorted before others, so that a runtime that takes the first takes this one. */
export const CNI_FILE = '10-holdfast.conflist'
/** The name under which plugins keep their records. */
export const NETWORK = 'holdfast'

export interface CniOptions {
  /** This machine's own range, for example `10.244.1.0/24`. */
  readonly podRange: string
  readonly mtu: number
  /** Where host-local notes the addresses it gave out. Machines that share a file system need one each. */
  readonly addressDirectory: string
}

/**
 * The network configuration for the standard plugins (CNI specification 1.0). The bridge plugin does not masquerade:
 * our own rules do, and only towards the outside. In hairpin mode a Pod may reach itself through a Service.
 */
export const cniConfig = ({ podRange, mtu, addressDirectory }: CniOptions): object => ({
  cniVersion: '1.0.0',
  name: NETWORK,
  plugins: [
    {
      type: 'bridge',
      bridge: BRIDGE,
      isGateway: true,
      ipMasq: false,
      hairpinMode: true,
      mtu,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: podRange }]],
        routes: [{ dst: '0.0.0.0/0' }],
        dataDir: addressDirectory,
      },
    },
    { type: 'portmap', capabilities: { portMappings: true }, snat: true },
  ],
})
