import type { Registry } from 'prom-client'
import type { InformerFactory } from '../client/informer.ts'
import { type AddressRange, addressRangeOf } from '../machinery/address-range.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Component } from '../machinery/component.ts'
import type { Logger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import { type ClusterCatalog, clusterCatalog } from './cluster/catalog.ts'
import { type ClusterZone, clusterZone } from './cluster/cluster-zone.ts'
import { answerCounter } from './dns-metrics.ts'
import { type Forwarder, forwarder } from './forward/forwarder.ts'
import { nameServersOf } from './forward/resolv-conf.ts'
import type { Upstream } from './forward/upstream.ts'
import { type WhenPodNamesAnswer, whenPodNamesAnswer } from './pod-names.ts'
import type { DnsSockets, TcpConnection } from './server/dns-sockets.ts'
import { ownNames } from './server/own-names.ts'
import { type Responder, responder } from './server/responder.ts'
import { serveTcp } from './server/tcp-session.ts'

const PORT = 53
const TCP_CONNECTIONS_MAX = 500
const LISTEN_RETRY_MS = 100
const WARN_AFTER_TRIES = 20
/** How often the host's list of name servers is read again. */
const RESOLV_CONF_INTERVAL_MS = 5000

export interface DnsServerDependencies {
  readonly informers: InformerFactory
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly sockets: DnsSockets
  readonly upstream: Upstream
  /** The text of the host's resolv.conf, read again every few seconds. */
  readonly readResolvConf: () => Promise<string>
  readonly metrics?: Registry
}

export interface DnsServerConfiguration {
  /** Where it listens: the cluster DNS address, which must be an address of this machine. */
  readonly addresses: readonly string[]
  /** Default 53. */
  readonly port?: number
  /** Default `cluster.local`. */
  readonly clusterDomain?: string
  /** For example `10.244.0.0/16`. */
  readonly podRange: string
  /** For example `10.96.0.0/12`. */
  readonly serviceRange: string
}

/** The cluster's DNS server on one machine. */
export interface DnsServer extends Component {
  readonly zone: ClusterZone
  readonly whenPodNamesAnswer: WhenPodNamesAnswer
  /** Resolves when it listens everywhere it should; rejects when it was stopped before. */
  whenListening(): Promise<void>
}

export function dnsServer(dependencies: DnsServerDependencies, configuration: DnsServerConfiguration): DnsServer {
  return new ListeningDnsServer(dependencies, configuration)
}

class ListeningDnsServer implements DnsServer {
  readonly name = 'dns'
  readonly zone: ClusterZone
  readonly whenPodNamesAnswer: WhenPodNamesAnswer
  readonly #dependencies: DnsServerDependencies
  readonly #configuration: DnsServerConfiguration
  readonly #catalog: ClusterCatalog
  readonly #forwarder: Forwarder
  readonly #respond: Responder
  readonly #listening = Promise.withResolvers<void>()
  #connections = 0

  constructor(dependencies: DnsServerDependencies, configuration: DnsServerConfiguration) {
    this.#dependencies = dependencies
    this.#configuration = configuration
    this.#listening.promise.catch(() => {}) // Only whoever waits for it wants to know.
    this.#catalog = clusterCatalog(dependencies.informers)
    this.#forwarder = forwarder(dependencies)
    const { addresses, clusterDomain: domain = 'cluster.local' } = configuration
    this.zone = clusterZone({
      catalog: this.#catalog,
      domain,
      serverAddress: addresses[0]!,
      ownRanges: rangesOf(configuration),
    })
    this.whenPodNamesAnswer = whenPodNamesAnswer({ catalog: this.#catalog, clock: dependencies.clock })
    this.#respond = responder({
      catalog: this.#catalog,
      zone: this.zone,
      forwarder: this.#forwarder,
      ownNames: ownNames({
        catalog: this.#catalog,
        zone: this.zone,
        clock: dependencies.clock,
        domain,
        podRange: addressRangeOf(configuration.podRange),
      }),
      count: answerCounter(dependencies.metrics),
    })
  }

  whenListening(): Promise<void> {
    return this.#listening.promise
  }

  async run(signal: AbortSignal): Promise<void> {
    await using open = new AsyncDisposableStack()
    for (const address of this.#configuration.addresses) await this.#listenUntilHeard(address, signal, open)
    if (signal.aborted) return this.#listening.reject(signal.reason)
    this.#listening.resolve()
    await this.#followResolvConf(signal)
  }

  /** The address may come a moment later: putting it on the machine is the Pod network's work. */
  async #listenUntilHeard(address: string, signal: AbortSignal, open: AsyncDisposableStack): Promise<void> {
    const { clock, logger } = this.#dependencies
    for (let tried = 1; !signal.aborted; tried++) {
      await using attempt = new AsyncDisposableStack()
      try {
        await this.#listen(address, signal, attempt)
        open.use(attempt.move())
        return
      } catch (error) {
        if (tried === WARN_AFTER_TRIES) logger.warn({ err: error, address }, 'cannot listen yet; trying on')
        await clock.sleep(LISTEN_RETRY_MS, signal).catch(() => {})
      }
    }
  }

  async #listen(address: string, signal: AbortSignal, open: AsyncDisposableStack): Promise<void> {
    const { sockets } = this.#dependencies
    const endpoint = { address, port: this.#configuration.port ?? PORT }
    const udp = await sockets.bindUdp(endpoint, (packet, peer, socket) => {
      const answer = this.#respond(packet, 'udp', peer.address)
      if (answer instanceof Promise) void answer.then(late => late && !signal.aborted && socket.send(late, peer))
      else if (answer) socket.send(answer, peer)
    })
    open.use(udp)
    open.use(await sockets.listenTcp(endpoint, connection => void this.#serve(connection, signal)))
  }

  async #serve(connection: TcpConnection, signal: AbortSignal): Promise<void> {
    if (this.#connections >= TCP_CONNECTIONS_MAX) return connection.close()
    this.#connections++
    try {
      await serveTcp(connection, { respond: this.#respond, clock: this.#dependencies.clock, signal })
    } finally {
      this.#connections--
    }
  }

  /** Resolves when `signal` is aborted. */
  async #followResolvConf(signal: AbortSignal): Promise<void> {
    const { readResolvConf, clock, logger } = this.#dependencies
    const own = new Set(this.#configuration.addresses)
    while (!signal.aborted) {
      try {
        const servers = nameServersOf(await readResolvConf())
        this.#forwarder.useServers(servers.filter(server => !own.has(server)))
      } catch (error) {
        logger.warn({ err: error }, 'cannot read the list of name servers')
      }
      await clock.sleep(RESOLV_CONF_INTERVAL_MS, signal).catch(() => {})
    }
  }
}

const rangesOf = ({ podRange, serviceRange }: DnsServerConfiguration): readonly AddressRange[] =>
  [podRange, serviceRange].map(addressRangeOf)
