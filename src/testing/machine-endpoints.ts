import type { Node } from '../api/core-v1/types.ts'
import { kubeletEndpoint } from '../kubelet/endpoint/kubelet-endpoint.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import type { KeyPair } from '../server/pki/certificate.ts'
import { httpsNodeConnection } from '../server/streams/https-node-connection.ts'
import type { NodeConnection } from '../server/streams/node-connection.ts'
import type { SimulatedMachine } from './simulated-machine.ts'

const HOST = '127.0.0.1'
const MASTERS = 'system:masters'

/** Who may ask the machines, and what they show. */
export interface EndpointTrust {
  /** PEM. */
  readonly authority: string
  readonly serving: KeyPair
  /** As whom the server comes. */
  readonly client: KeyPair
}

interface Open {
  readonly trust: EndpointTrust
  readonly connection: NodeConnection
  /** Ports on the loopback by the names of machines, from the first time that somebody asks. */
  readonly ports: Map<string, Promise<number>>
  readonly closing: AbortController
}

/** The server's way to the kubelets of a cluster that is served: each has its real endpoint, on the loopback. */
export class MachineEndpoints implements NodeConnection {
  readonly #machineNamed: (name: string) => SimulatedMachine | undefined
  readonly #clock: Clock
  readonly #logger: Logger
  #open: Open | undefined

  constructor(
    machineNamed: (name: string) => SimulatedMachine | undefined,
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#machineNamed = machineNamed
    this.#clock = clock
    this.#logger = logger
  }

  open(trust: EndpointTrust): Disposable {
    const connection = httpsNodeConnection({ certificate: trust.client, authority: trust.authority })
    const open: Open = { trust, connection, ports: new Map(), closing: new AbortController() }
    this.#open = open
    return {
      [Symbol.dispose]: () => {
        open.closing.abort(new Error('the cluster is not served any more'))
        if (this.#open === open) this.#open = undefined
      },
    }
  }

  readonly request: NodeConnection['request'] = async (node, request) => {
    const open = this.#opened()
    return open.connection.request(await this.#onLoopback(node, open), request)
  }

  readonly upgrade: NodeConnection['upgrade'] = async (node, request) => {
    const open = this.#opened()
    return open.connection.upgrade(await this.#onLoopback(node, open), request)
  }

  readonly requestAddress: NodeConnection['requestAddress'] = async ({ host }) => {
    throw new Error(`no packets flow to ${host} in a simulation; use port-forward`)
  }

  #opened(): Open {
    if (!this.#open) throw new Error('the cluster is not served')
    return this.#open
  }

  async #onLoopback(node: Node, { ports, ...open }: Open): Promise<Node> {
    const { name } = node.metadata
    const machine = this.#machineNamed(name)
    if (!machine?.kubelet || machine.isCut) throw Object.assign(new Error(`${name} is away`), { code: 'EHOSTUNREACH' })
    const listening = ports.get(name) ?? this.#listen(machine, open)
    ports.set(name, listening)
    const kubeletEndpoint = { Port: await listening }
    return {
      ...node,
      status: {
        ...node.status,
        addresses: [{ type: 'InternalIP', address: HOST }],
        daemonEndpoints: { kubeletEndpoint },
      },
    }
  }

  #listen(machine: SimulatedMachine, { trust, closing }: Omit<Open, 'ports'>): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const endpoint = kubeletEndpoint({
      nodeName: machine.name,
      get kubelet() {
        return machine.kubelet! // Asked for only while it runs.
      },
      doors: machine.machine.doors,
      clock: this.#clock,
      logger: this.#logger,
      tls: { certificate: trust.serving.certificate, key: trust.serving.key, clientAuthority: trust.authority },
      authorize: ({ groups }) => groups.includes(MASTERS),
      host: HOST,
      port: 0,
      onListening: resolve,
    })
    endpoint.run(closing.signal).catch(reject)
    return promise
  }
}
