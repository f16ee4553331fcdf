import { Node } from '../api/core-v1/types.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Commands } from '../machinery/commands.ts'
import type { Component } from '../machinery/component.ts'
import type { Logger } from '../machinery/logger.ts'
import { machineAddressOf } from '../machinery/machine-address.ts'
import { BRIDGE, CNI_FILE, cniConfig, NETWORK } from './cni-config.ts'
import { MASQUERADE_TABLE, masqueradeRules } from './masquerade.ts'
import type { NetworkFiles } from './network-files.ts'
import { removePortMapChains } from './port-map-chains.ts'
import {
  forwardingCommands,
  type Peer,
  ROUTE_PROTOCOL,
  routeCommands,
  TUNNEL,
  TUNNEL_HEADER_BYTES,
  tunnelCommands,
} from './routes.ts'

const RETRY_MS = 1000
/** How often the rules are compared with what was written. */
const LOOK_INTERVAL_MS = 10_000
const MTU_DEFAULT = 1500
/** What a machine needs to pass packets on, and to see those that stay on its bridge: Services are among them. */
const KERNEL_SETTINGS = [
  ['net.ipv4.ip_forward', '1'],
  ['net.bridge.bridge-nf-call-iptables', '1'],
] as const

export interface PodNetworkDependencies {
  readonly informers: InformerFactory
  readonly commands: Commands
  readonly files: NetworkFiles
  readonly clock: Clock
  readonly logger: Logger
}

export interface PodNetworkConfiguration {
  readonly nodeName: string
  /** Of the whole cluster, for example `10.244.0.0/16`. */
  readonly clusterPodRange: string
  /** Addresses that this machine holds itself, such as that of the cluster DNS. They are put on its loopback device. */
  readonly localAddresses: readonly string[]
  /** Where the runtime looks for its network, for example `/etc/cni/net.d`. */
  readonly cniDirectory: string
  /** For what must be known to take everything back; this machine's alone. */
  readonly stateDirectory: string
}

/** The network of one machine's Pods. */
export interface PodNetwork extends Component {
  /** Resolves when Pods of this machine can be given addresses. */
  whenReady(): Promise<void>
}

/**
 * Gives this machine's Pods their range and leads to those of others, following the Nodes. Ending it changes nothing on
 * the machine, so that running Pods keep their network; `takeDownPodNetwork` takes it away.
 */
export function podNetwork(dependencies: PodNetworkDependencies, configuration: PodNetworkConfiguration): PodNetwork {
  const ready = Promise.withResolvers<void>()
  const setUp = new PodNetworkSetUp(dependencies, configuration)
  const nodes = dependencies.informers.informer(Node)
  return {
    name: 'pod-network',
    whenReady: () => ready.promise,
    async run(signal) {
      await setUp.holdLocalAddresses()
      if (await setUp.isAnotherNetworkThere()) {
        dependencies.logger.info(
          { directory: configuration.cniDirectory },
          'another network is configured; it is left alone',
        )
        ready.resolve()
        return whenAborted(signal)
      }
      await nodes.whenSynced(signal).catch(() => {})
      await follow({ nodes, setUp, ready: ready.resolve, ...dependencies }, signal)
    },
  }
}

interface Following extends Pick<PodNetworkDependencies, 'clock' | 'logger'> {
  readonly nodes: Informer<Node>
  readonly setUp: PodNetworkSetUp
  readonly ready: () => void
}

/** Brings the machine to what the Nodes say, each time that they change, and again when somebody undid it. */
async function follow({ nodes, setUp, ready, clock, logger }: Following, signal: AbortSignal): Promise<void> {
  let changed = Promise.withResolvers<void>()
  using _subscription = nodes.subscribe(() => changed.resolve())
  signal.addEventListener('abort', () => changed.resolve(), { once: true })
  while (!signal.aborted) {
    changed = Promise.withResolvers()
    try {
      if (await setUp.apply(nodes.list())) ready()
      using _look = clock.schedule(LOOK_INTERVAL_MS, () => changed.resolve())
      if (!signal.aborted) await changed.promise
    } catch (error) {
      logger.warn({ err: error }, 'cannot set up the Pod network')
      await clock.sleep(RETRY_MS, signal).catch(() => {})
    }
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

interface Machine {
  readonly name: string
  readonly address: string
  readonly podRange: string
}

const machineOf = (node: Node): Machine[] => {
  const [address, podRange] = [machineAddressOf(node), node.spec?.podCIDR]
  return address && podRange ? [{ name: node.metadata.name, address, podRange }] : []
}

class PodNetworkSetUp {
  readonly #dependencies: PodNetworkDependencies
  readonly #configuration: PodNetworkConfiguration
  /** What was carried out last: the same is not done twice. */
  #applied = ''
  /** The rules as the kernel listed them right after that. */
  #rulesWritten = ''

  constructor(dependencies: PodNetworkDependencies, configuration: PodNetworkConfiguration) {
    this.#dependencies = dependencies
    this.#configuration = configuration
  }

  async isAnotherNetworkThere(): Promise<boolean> {
    const names = await this.#dependencies.files.list(this.#configuration.cniDirectory)
    return names.some(name => name !== CNI_FILE && /\.(conf|conflist|json)$/.test(name))
  }

  async holdLocalAddresses(): Promise<void> {
    for (const address of this.#configuration.localAddresses) {
      await this.#dependencies.commands.run('ip', ['address', 'replace', `${address}/32`, 'dev', 'lo'])
    }
  }

  /** False while this machine has no range or no address yet. */
  async apply(nodes: readonly Node[]): Promise<boolean> {
    const machines = nodes.flatMap(machineOf).sort((a, b) => (a.name < b.name ? -1 : 1))
    const self = machines.find(({ name }) => name === this.#configuration.nodeName)
    if (!self) return false
    const wanted = JSON.stringify(machines)
    if (wanted === this.#applied && (await this.#listRules()) === this.#rulesWritten) return true
    const others = machines.filter(machine => machine !== self)
    const peers = await Promise.all(others.map(async peer => ({ ...peer, isOnLink: await this.#isOnLink(peer) })))
    await this.#setKernel()
    await this.#writeMasquerade(self, machines)
    await this.#writeRoutes(self, peers)
    await this.#writeCniConfig(self, peers)
    this.#applied = wanted
    return true
  }

  async #isOnLink({ address }: Machine): Promise<boolean> {
    const [route] = await this.#ipJson<{ gateway?: string; type?: string }>(['route', 'get', address])
    return route !== undefined && route.gateway === undefined
  }

  async #ipJson<T>(args: readonly string[]): Promise<readonly T[]> {
    const text = await this.#dependencies.commands.run('ip', ['-json', ...args])
    return text.trim() === '' ? [] : (JSON.parse(text) as T[])
  }

  /** Notes what was there before it changes anything, so that it can be put back. */
  async #setKernel(): Promise<void> {
    const { commands, files } = this.#dependencies
    const path = kernelNotePath(this.#configuration)
    const noted = JSON.parse((await files.read(path)) ?? '{}') as Record<string, string>
    for (const [setting, value] of KERNEL_SETTINGS) {
      const before = (await commands.run('sysctl', ['-n', setting])).trim()
      if (before === value) continue
      noted[setting] ??= before
      await files.write(path, JSON.stringify(noted))
      await commands.run('sysctl', ['-q', '-w', `${setting}=${value}`])
    }
  }

  async #writeMasquerade(self: Machine, machines: readonly Machine[]): Promise<void> {
    const input = masqueradeRules({
      ownPodRange: self.podRange,
      clusterPodRange: this.#configuration.clusterPodRange,
      machineAddresses: machines.map(({ address }) => address),
    })
    await this.#dependencies.commands.run('nft', ['-f', '-'], { input })
    this.#rulesWritten = await this.#listRules()
  }

  /** Empty when the table is gone. */
  #listRules(): Promise<string> {
    return this.#dependencies.commands.run('nft', ['list', 'table', 'ip', MASQUERADE_TABLE]).catch(() => '')
  }

  async #writeRoutes(self: Machine, peers: readonly Peer[]): Promise<void> {
    const { commands } = this.#dependencies
    if (peers.some(({ isOnLink }) => !isOnLink)) await this.#ensureTunnel(self)
    const there = await this.#ipJson<{ dst: string }>(['route', 'show', 'proto', String(ROUTE_PROTOCOL)])
    const wanted = new Set(peers.map(({ podRange }) => podRange))
    const gone = there
      .filter(({ dst }) => !wanted.has(dst))
      .map(({ dst }) => `route delete ${dst} proto ${ROUTE_PROTOCOL}`)
    const input = [...gone, ...routeCommands(peers)].map(line => `${line}\n`).join('')
    if (input) await commands.run('ip', ['-batch', '-'], { input })
    const forwarding = forwardingCommands(peers)
      .map(line => `${line}\n`)
      .join('')
    if (forwarding) await commands.run('bridge', ['-batch', '-'], { input: forwarding })
  }

  async #ensureTunnel(self: Machine): Promise<void> {
    const links = await this.#ipJson<{ ifname: string }>(['link', 'show', 'type', 'vxlan'])
    if (links.some(({ ifname }) => ifname === TUNNEL)) return
    const mtu = (await this.#linkMtu(self)) - TUNNEL_HEADER_BYTES
    const input = tunnelCommands({ ...self, mtu })
      .map(line => `${line}\n`)
      .join('')
    await this.#dependencies.commands.run('ip', ['-batch', '-'], { input })
  }

  /** Of the link that carries this machine's address. */
  async #linkMtu({ address }: Machine): Promise<number> {
    const [link] = await this.#ipJson<{ mtu?: number }>(['address', 'show', 'to', address])
    return link?.mtu ?? MTU_DEFAULT
  }

  async #writeCniConfig(self: Machine, peers: readonly Peer[]): Promise<void> {
    const { files } = this.#dependencies
    const tunnelled = peers.some(({ isOnLink }) => !isOnLink)
    const mtu = (await this.#linkMtu(self)) - (tunnelled ? TUNNEL_HEADER_BYTES : 0)
    const config = cniConfig({
      podRange: self.podRange,
      mtu,
      addressDirectory: addressDirectoryOf(this.#configuration),
    })
    const content = `${JSON.stringify(config, null, 2)}\n`
    const path = `${this.#configuration.cniDirectory}/${CNI_FILE}`
    if ((await files.read(path)) !== content) await files.write(path, content)
  }
}

const kernelNotePath = ({ stateDirectory }: Pick<PodNetworkConfiguration, 'stateDirectory'>): string =>
  `${stateDirectory}/kernel-settings.json`

const addressDirectoryOf = ({ stateDirectory }: Pick<PodNetworkConfiguration, 'stateDirectory'>): string =>
  `${stateDirectory}/addresses`

/**
 * Takes away all that `podNetwork` put on the machine, and nothing else; to be called when its Pods are gone. Goes on
 * past what fails, and throws an AggregateError of it in the end.
 */
export async function takeDownPodNetwork(
  { commands, files }: Pick<PodNetworkDependencies, 'commands' | 'files'>,
  configuration: Pick<PodNetworkConfiguration, 'cniDirectory' | 'stateDirectory' | 'localAddresses'>,
): Promise<void> {
  const quietly = async (command: string, ...args: string[]): Promise<void> => {
    await commands.run(command, args).catch(() => {}) // What is not there cannot be removed.
  }
  const steps: (() => Promise<void>)[] = [
    () => files.remove(`${configuration.cniDirectory}/${CNI_FILE}`),
    () => quietly('ip', 'route', 'flush', 'proto', String(ROUTE_PROTOCOL)),
    () => quietly('ip', 'link', 'delete', TUNNEL),
    () => quietly('ip', 'link', 'delete', BRIDGE),
    () => quietly('nft', 'delete', 'table', 'ip', MASQUERADE_TABLE),
    ...configuration.localAddresses.map(
      address => () => quietly('ip', 'address', 'delete', `${address}/32`, 'dev', 'lo'),
    ),
    () => removePortMapChains(commands),
    async () => {
      const noted = JSON.parse((await files.read(kernelNotePath(configuration))) ?? '{}') as Record<string, string>
      for (const [setting, value] of Object.entries(noted))
        await commands.run('sysctl', ['-q', '-w', `${setting}=${value}`])
    },
    () => files.remove(`${addressDirectoryOf(configuration)}/${NETWORK}`),
    () => files.remove(addressDirectoryOf(configuration)),
    () => files.remove(kernelNotePath(configuration)),
  ]
  const failures: unknown[] = []
  for (const step of steps) await step().catch(error => void failures.push(error))
  if (failures.length > 0) throw new AggregateError(failures, 'the Pod network could not be removed completely')
}
