import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
import type { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import { Containerd } from '../../src/kubelet/containerd/containerd.ts'
import { createKubelet, type Kubelet } from '../../src/kubelet/kubelet.ts'
import { type LocalMachine, localMachine } from '../../src/kubelet/machine/local-machine.ts'
import { runCommand } from '../../src/kubelet/machine/run-command.ts'
import type { Logger } from '../../src/machinery/logger.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { systemRandom } from '../../src/machinery/system-random.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { ControlPlane } from '../../src/testing/control-plane.ts'

/** Root, containerd and the CNI plugins are needed to run real containers. */
export const canRunContainers: boolean =
  process.getuid?.() === 0 && existsSync('/usr/bin/containerd') && existsSync('/usr/lib/cni/bridge')

const NODE_NAME = 'real1'
const DEADLINE_MS = 30_000

/** This machine with a containerd of its own and a kubelet, on an API server in this process. Everything is real but the API's store. */
export class RealNode implements AsyncDisposable {
  readonly client: Client
  readonly directory: string
  readonly bridge: string
  readonly cgroupRoot: string
  readonly #controlPlane: ControlPlane
  readonly #logger: Logger
  #containerd: { stop: AbortController; running: Promise<void>; socket: string } | undefined
  #kubelet: { stop: AbortController; running: Promise<void>; component: Kubelet } | undefined
  machine!: LocalMachine

  private constructor(directory: string, subnet: number, logger: Logger) {
    this.directory = directory
    this.bridge = `hfk${subnet}`
    this.cgroupRoot = `/hfk${subnet}`
    this.#logger = logger
    const clock = systemClock as unknown as VirtualClock // Nobody moves it by hand here.
    this.#controlPlane = new ControlPlane({ store: memoryStore({ clock }), clock, random: systemRandom, logger })
    this.client = apiClient(this.#controlPlane.transport('test'))
  }

  /** `subnet`: 10.244.<subnet>.0/24, another for each test file that runs at the same time. */
  static async start({
    subnet,
    images,
    logger = silentLogger,
  }: {
    subnet: number
    images: readonly string[]
    logger?: Logger
  }): Promise<RealNode> {
    const node = new RealNode(await mkdtemp(join(tmpdir(), 'hfk-')), subnet, logger)
    for (const name of ['default', 'kube-node-lease'])
      await node.client.create(Namespace, { metadata: { name }, spec: {} }).catch(() => {})
    await node.client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'default' } }).catch(() => {})
    await node.#writeNetwork(subnet)
    await node.startContainerd()
    for (const image of images) await node.machine.images.load(image)
    node.startKubelet()
    return node
  }

  get kubelet(): Kubelet | undefined {
    return this.#kubelet?.component
  }

  async startContainerd(): Promise<void> {
    const { directory } = this
    const socket = join(directory, 'containerd.sock')
    const containerd = new Containerd({
      clock: systemClock,
      logger: this.#logger,
      directory,
      root: join(directory, 'root'),
      state: join(directory, 'state'),
      socket,
      cniBinaries: '/usr/lib/cni',
      cniConfig: join(directory, 'cni'),
    })
    const stop = new AbortController()
    this.#containerd = { stop, running: containerd.run(stop.signal), socket }
    await containerd.whenReady
    this.machine ??= await localMachine({
      criEndpoint: socket,
      clock: systemClock,
      cgroupRoot: this.cgroupRoot,
      hostname: NODE_NAME,
    })
  }

  async stopContainerd(): Promise<void> {
    this.#containerd?.stop.abort()
    await this.#containerd?.running
  }

  async containerdPid(): Promise<number> {
    return Number(await readFile(join(this.directory, 'containerd.pid'), 'utf8'))
  }

  startKubelet(): void {
    const { directory } = this
    const source = { component: 'kubelet', host: NODE_NAME }
    const dependencies = this.#controlPlane.dependencies(source, this.#controlPlane.newInformers(`node:${NODE_NAME}`))
    const config = {
      rootDirectory: join(directory, 'kubelet'),
      podLogsDirectory: join(directory, 'logs'),
      statusIntervalMs: 1000,
    }
    const component = createKubelet({ ...dependencies, nodeName: NODE_NAME, doors: this.machine.doors, config })
    const stop = new AbortController()
    const running = component.run(stop.signal)
    running.catch(error => this.#logger.error({ error }, 'the kubelet ended'))
    this.#kubelet = { stop, running, component }
  }

  async stopKubelet(): Promise<void> {
    this.#kubelet?.stop.abort()
    await this.#kubelet?.running
  }

  run(name: string, spec: object = {}, metadata: object = {}): Promise<Pod> {
    const containers = [{ name: 'main', image: 'busybox:1.36', command: ['sleep', '3600'] }]
    return this.client.create(PodKind, {
      metadata: { namespace: 'default', name, ...metadata },
      spec: { nodeName: NODE_NAME, containers, terminationGracePeriodSeconds: 1, ...spec },
    } as Parameters<typeof this.client.create<Pod>>[1])
  }

  find(name: string): Promise<Pod | undefined> {
    return this.client.find(PodKind, { namespace: 'default', name })
  }

  delete(name: string): Promise<void> {
    return this.client.delete(PodKind, { namespace: 'default', name })
  }

  /** Waits for a Pod to be as wanted: by watching, not by looking again and again. */
  async until(name: string, isWanted: (pod: Pod | undefined) => boolean, what = 'as wanted'): Promise<Pod | undefined> {
    const signal = AbortSignal.timeout(DEADLINE_MS)
    const { items, resourceVersion } = await this.client.list(PodKind, { namespace: 'default' })
    let pod = items.find(({ metadata }) => metadata.name === name)
    if (isWanted(pod)) return pod
    for await (const { type, object } of this.client.watch(PodKind, {
      namespace: 'default',
      resourceVersion,
      signal,
    })) {
      if (object.metadata.name !== name) continue
      pod = type === 'DELETED' ? undefined : object
      if (isWanted(pod)) return pod
    }
    throw new Error(
      `pod ${name} is not ${what} after ${DEADLINE_MS / 1000} s: ${JSON.stringify(pod?.status)}; ${await this.events()}`,
    )
  }

  untilReady(name: string): Promise<Pod> {
    return this.until(name, isReady, 'ready') as Promise<Pod>
  }

  async untilGone(name: string): Promise<void> {
    await this.until(name, pod => pod === undefined, 'gone')
  }

  async events(): Promise<readonly string[]> {
    const { items } = await this.client.list<Event>(EventKind, { namespace: 'default' })
    return items
      .filter(({ involvedObject }) => involvedObject.kind === 'Pod')
      .map(({ reason, message }) => `${reason} ${message}`)
  }

  /** Runs a command in a container and resolves with what it printed. */
  async exec(pod: Pod, ...command: readonly string[]): Promise<string> {
    const [record] = (await this.machine.doors.runtime.listContainers({ podUid: pod.metadata.uid })).filter(
      ({ phase }) => phase === 'running',
    )
    const { stdout, stderr } = await this.machine.doors.runtime.execSync(record!.id, command, 10_000)
    return Buffer.concat([stdout, stderr]).toString('utf8')
  }

  async #writeNetwork(subnet: number): Promise<void> {
    const { directory } = this
    await mkdir(join(directory, 'cni'), { recursive: true })
    const ipam = {
      type: 'host-local',
      ranges: [[{ subnet: `10.244.${subnet}.0/24` }]],
      routes: [{ dst: '0.0.0.0/0' }],
      dataDir: join(directory, 'ipam'),
    }
    const bridge = { type: 'bridge', bridge: this.bridge, isGateway: true, hairpinMode: true, ipam }
    const config = {
      cniVersion: '0.4.0',
      name: this.bridge,
      plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }],
    }
    await writeFile(join(directory, 'cni', '10-test.conflist'), JSON.stringify(config))
  }

  /** Ends every Pod, then everything else, and leaves nothing behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { items } = await this.client.list(PodKind, { namespace: 'default' })
    for (const { metadata } of items)
      await this.client.delete(PodKind, metadata, { gracePeriodSeconds: 1 }).catch(() => {})
    for (const { metadata } of items) await this.untilGone(metadata.name)
    await this.stopKubelet()
    await this.#controlPlane.close()
    await this.stopContainerd()
    this.machine[Symbol.dispose]()
    await runCommand('ip', ['link', 'delete', this.bridge]).catch(() => {})
    await rm(this.directory, { recursive: true, force: true })
  }
}

export const isReady = (pod: Pod | undefined): boolean =>
  pod?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
