import {
  type Event,
  Event as EventKind,
  Namespace,
  type Pod,
  Pod as PodKind,
  ServiceAccount,
} from '../../src/api/core-v1/types.ts'
import { apiClient } from '../../src/client/api-client.ts'
import type { Client } from '../../src/client/client.ts'
import { CuttableTransport } from '../../src/fakes/cuttable-transport.ts'
import { FakeMachine, type FakeMachineOptions } from '../../src/fakes/machine/fake-machine.ts'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import { createKubelet, type Kubelet } from '../../src/kubelet/kubelet.ts'
import type { KubeletConfig } from '../../src/kubelet/kubelet-config.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { ControlPlane } from '../../src/testing/control-plane.ts'

export interface SimulatedNodeOptions extends Partial<FakeMachineOptions> {
  readonly config?: Partial<KubeletConfig>
}

/** One simulated machine with a kubelet on a real API server, on virtual time. */
export class SimulatedNode implements AsyncDisposable {
  readonly clock = new VirtualClock()
  readonly machine: FakeMachine
  readonly client: Client
  /** The kubelet's own way to the server. */
  readonly api: CuttableTransport
  readonly #controlPlane: ControlPlane
  readonly #config: Partial<KubeletConfig>
  #stopping = new AbortController()
  #running: Promise<void> | undefined
  kubelet: Kubelet | undefined

  constructor({ config = {}, ...options }: SimulatedNodeOptions) {
    const random = seededRandom(1)
    const { clock } = this
    this.#config = config
    this.machine = new FakeMachine({ name: 'node1', clock, random, ...options })
    this.#controlPlane = new ControlPlane({ store: memoryStore({ clock }), clock, random, logger: silentLogger })
    this.client = apiClient(this.#controlPlane.transport('test'))
    this.api = new CuttableTransport(this.#controlPlane.transport('system:node:node1'))
  }

  static async start(options: SimulatedNodeOptions = {}): Promise<SimulatedNode> {
    const node = new SimulatedNode(options)
    for (const name of ['default', 'kube-node-lease']) {
      await node.client.create(Namespace, { metadata: { name }, spec: {} }).catch(() => {}) // The server may make it itself.
    }
    await node.client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'default' } }).catch(() => {})
    node.startKubelet()
    await node.clock.advance(1000)
    return node
  }

  startKubelet(): void {
    const dependencies = this.#controlPlane.dependencies(
      { component: 'kubelet', host: 'node1' },
      this.#controlPlane.newInformers('node:node1', this.api),
      this.api,
    )
    this.kubelet = createKubelet({
      ...dependencies,
      nodeName: 'node1',
      doors: this.machine.doors,
      config: this.#config,
    })
    this.#stopping = new AbortController()
    this.#running = this.kubelet.run(this.#stopping.signal)
  }

  async stopKubelet(): Promise<void> {
    this.#stopping.abort(new Error('the kubelet is stopped'))
    await this.clock.rest()
    await this.#running
  }

  /** Creates a Pod that is already assigned to this machine. */
  run(name: string, spec: object = {}, metadata: object = {}): Promise<Pod> {
    const containers = [{ name: 'main', image: 'app:1' }]
    return this.client.create(PodKind, {
      metadata: { namespace: 'default', name, ...metadata },
      spec: { nodeName: 'node1', containers, ...spec },
    } as Parameters<typeof this.client.create<Pod>>[1])
  }

  pod(name: string): Promise<Pod | undefined> {
    return this.client.find(PodKind, { namespace: 'default', name })
  }

  async delete(name: string, gracePeriodSeconds?: number): Promise<void> {
    await this.client.delete(
      PodKind,
      { namespace: 'default', name },
      gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
    )
  }

  async events(): Promise<readonly string[]> {
    const { items } = await this.client.list<Event>(EventKind, { namespace: 'default' })
    return items
      .filter(({ involvedObject }) => involvedObject.kind === 'Pod')
      .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
      .map(({ reason, message }) => `${reason} ${message}`)
  }

  /** `Ready` when it is ready, else the phase, and why a container waits. */
  async state(name: string): Promise<string> {
    const pod = await this.pod(name)
    if (!pod) return 'gone'
    const { phase, conditions = [], containerStatuses = [], initContainerStatuses = [] } = pod.status
    const waiting = [...initContainerStatuses, ...containerStatuses]
      .map(({ state }) => state?.waiting?.reason)
      .find(Boolean)
    const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
    return isReady ? 'Ready' : waiting ? `${phase} ${waiting}` : `${phase}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopKubelet()
    await this.#controlPlane.close()
  }
}
