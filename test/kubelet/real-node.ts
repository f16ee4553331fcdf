import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry as MetricsRegistry } from 'prom-client'
import type { KubeletProcessOptions } from '../../benchmarks/kubelet-process.ts'
import {
  ConfigMap,
  type Event,
  Event as EventKind,
  Namespace,
  type Pod,
  Pod as PodKind,
  ServiceAccount,
} from '../../src/api/core-v1/types.ts'
import { adminKubeconfigText } from '../../src/bin/server-side/admin-kubeconfig.ts'
import { apiClient } from '../../src/client/api-client.ts'
import { ApiEventRecorder } from '../../src/client/api-event-recorder.ts'
import type { Client } from '../../src/client/client.ts'
import { connectionOf, parseKubeconfig } from '../../src/client/kubeconfig.ts'
import { SharedInformers } from '../../src/client/shared-informers.ts'
import { Containerd } from '../../src/kubelet/containerd/containerd.ts'
import { kubeletEndpoint } from '../../src/kubelet/endpoint/kubelet-endpoint.ts'
import { createKubelet, type Kubelet } from '../../src/kubelet/kubelet.ts'
import type { KubeletConfig } from '../../src/kubelet/kubelet-config.ts'
import { type LocalMachine, localMachine } from '../../src/kubelet/machine/local-machine.ts'
import { runCommand } from '../../src/kubelet/machine/run-command.ts'
import { type Logger, silentLogger } from '../../src/machinery/logger.ts'
import { systemClock as clock } from '../../src/machinery/system-clock.ts'
import { systemRandom as random } from '../../src/machinery/system-random.ts'
import { createRegistry } from '../../src/registry/create-registry.ts'
import { type OpenApiServer, openApiServer } from '../../src/server/open-api-server.ts'
import {
  type CertificateRequest,
  createAuthority,
  issueCertificate,
  type KeyPair,
} from '../../src/server/pki/certificate.ts'
import { httpsNodeConnection } from '../../src/server/streams/https-node-connection.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { imageArchive } from '../walkthroughs/real-cluster.ts'

export interface RealNodeOptions {
  readonly subnet: number
  /** Ids of recipes in `scripts/images`. */
  readonly images: readonly string[]
  readonly logger?: Logger
}

const NODE_NAME = 'real1'
const SERVER_NAME = 'kube-apiserver-kubelet-client'
const ADMIN = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }
const DEADLINE_MS = 30_000

/** This machine with a containerd of its own and a kubelet, on an API server in this process. Everything is real but the API's store. */
export class RealNode implements AsyncDisposable {
  readonly client: Client
  readonly directory: string
  readonly bridge: string
  readonly cgroupRoot: string
  readonly #store: Store
  readonly #server: OpenApiServer
  readonly #authority: KeyPair
  readonly #endpointPort: number
  readonly #logger: Logger
  #containerd: { stop: AbortController; running: Promise<void>; socket: string } | undefined
  #kubelet:
    | { stop: AbortController; running: Promise<unknown>; component: Kubelet; informers: SharedInformers }
    | undefined
  machine!: LocalMachine
  /** For kubectl. */
  kubeconfig = ''

  private constructor(parts: {
    directory: string
    subnet: number
    logger: Logger
    store: Store
    server: OpenApiServer
    authority: KeyPair
  }) {
    const { directory, subnet, logger, store, server, authority } = parts
    this.#store = store
    this.directory = directory
    this.bridge = `hfk${subnet}`
    this.cgroupRoot = `/hfk${subnet}`
    this.#endpointPort = 10_300 + subnet
    this.#logger = logger
    this.#server = server
    this.#authority = authority
    this.client = apiClient(server.transportFor(ADMIN))
  }

  /** `subnet`: 10.244.<subnet>.0/24, another for each test file that runs at the same time. */
  static async start({ subnet, images, logger = silentLogger }: RealNodeOptions): Promise<RealNode> {
    const directory = await mkdtemp(join(tmpdir(), 'hfk-'))
    const authority = await createAuthority('test-ca', { clock, random })
    const store = memoryStore({ clock })
    const server = await serverOn(store, { authority, logger })
    const node = new RealNode({ directory, subnet, logger, store, server, authority })
    for (const name of ['default', 'kube-node-lease']) {
      await node.client.create(Namespace, { metadata: { name }, spec: {} }).catch(() => {}) // The server may have made it.
    }
    await node.client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'default' } }).catch(() => {})
    await node.client.create(ConfigMap, {
      metadata: { namespace: 'default', name: 'kube-root-ca.crt' },
      data: { 'ca.crt': authority.certificate },
    })
    await node.#serve()
    await node.#writeNetwork(subnet)
    await node.startContainerd()
    for (const image of images) await node.machine.images.loadArchive(await readFile(imageArchive(image)))
    await node.startKubelet()
    return node
  }

  async #serve(): Promise<void> {
    const certificate = await this.#issue({ commonName: 'apiserver', usage: 'server', ipAddresses: ['127.0.0.1'] })
    const listener = await this.#server.listen({
      host: '127.0.0.1',
      port: 0,
      certificate: { ...certificate, clientAuthorities: this.#authority.certificate },
    })
    const admin = await this.#issue({ commonName: ADMIN.name, organizations: ADMIN.groups, usage: 'client' })
    this.kubeconfig = join(this.directory, 'kubeconfig')
    const server = `https://127.0.0.1:${listener.address.port}`
    await writeFile(this.kubeconfig, adminKubeconfigText({ server, authority: this.#authority.certificate, admin }))
  }

  #issue(request: CertificateRequest): Promise<KeyPair> {
    return issueCertificate(this.#authority, request, { clock, random })
  }

  get kubelet(): Kubelet | undefined {
    return this.#kubelet?.component
  }

  async startContainerd(): Promise<void> {
    const { directory } = this
    const socket = join(directory, 'containerd.sock')
    const containerd = new Containerd({
      clock,
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
      clock,
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

  async startKubelet(): Promise<void> {
    const logger = this.#logger
    // As its own machine: what the node authorizer forbids, the kubelet must not need.
    const groups = ['system:nodes', 'system:authenticated']
    const client = apiClient(this.#server.transportFor({ name: `system:node:${NODE_NAME}`, groups }))
    const informers = new SharedInformers({ client, clock, random, logger })
    const events = new ApiEventRecorder({ component: 'kubelet', host: NODE_NAME }, { client, clock, random, logger })
    const { doors } = this.machine
    const config = { ...this.#config, statusIntervalMs: 1000 }
    const component = createKubelet({
      client,
      informers,
      events,
      clock,
      random,
      logger,
      nodeName: NODE_NAME,
      doors,
      config,
    })
    const certificate = await this.#servingCertificate()
    const tls = { ...certificate, clientAuthority: this.#authority.certificate }
    const authorize = ({ name }: { name: string }): boolean => name === SERVER_NAME
    const endpoint = kubeletEndpoint({ nodeName: NODE_NAME, kubelet: component, doors, clock, logger, tls, authorize })
    const stop = new AbortController()
    const running = Promise.all([component.run(stop.signal), endpoint.run(stop.signal)])
    running.catch(error => logger.error({ error }, 'the kubelet ended'))
    this.#kubelet = { stop, running, component, informers }
  }

  get #config(): Partial<KubeletConfig> {
    return {
      rootDirectory: join(this.directory, 'kubelet'),
      podLogsDirectory: join(this.directory, 'logs'),
      staticPodDirectory: join(this.directory, 'manifests'),
      endpointPort: this.#endpointPort,
      addresses: ['127.0.0.1'],
    }
  }

  #servingCertificate(): Promise<KeyPair> {
    return this.#issue({ commonName: NODE_NAME, usage: 'server', ipAddresses: ['127.0.0.1'] })
  }

  /** What a kubelet in a process of its own needs to run this machine, while none runs here. */
  async kubeletProcessOptions(): Promise<KubeletProcessOptions> {
    const { server } = connectionOf(parseKubeconfig(await readFile(this.kubeconfig, 'utf8')), { readFile: () => '' })
    const organizations = ['system:nodes']
    return {
      nodeName: NODE_NAME,
      server,
      authority: this.#authority.certificate,
      client: await this.#issue({ commonName: `system:node:${NODE_NAME}`, organizations, usage: 'client' }),
      serving: await this.#servingCertificate(),
      criEndpoint: join(this.directory, 'containerd.sock'),
      cgroupRoot: this.cgroupRoot,
      config: this.#config,
    }
  }

  async stopKubelet(): Promise<void> {
    this.#kubelet?.stop.abort()
    await this.#kubelet?.running
    await this.#kubelet?.informers.stop()
  }

  /** Runs kubectl against this cluster and resolves with what it printed. */
  kubectl(...args: readonly string[]): Promise<string> {
    return runCommand('kubectl', ['--kubeconfig', this.kubeconfig, ...args], { timeoutMs: DEADLINE_MS })
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

  /** Resolves when containerd answers, for example again after it was killed. */
  async untilRuntimeAnswers(): Promise<void> {
    // The stream of events begins when the runtime is there.
    for await (const _event of this.machine.doors.runtime.events(AbortSignal.timeout(DEADLINE_MS))) return
    throw new Error('the runtime does not come back')
  }

  /** Ends the process that holds a Pod's namespaces, as a fault would. */
  async killSandbox(pod: Pod): Promise<void> {
    const [sandbox] = await this.machine.doors.runtime.listSandboxes({ podUid: pod.metadata.uid })
    await runCommand('ctr', [
      '--address',
      join(this.directory, 'containerd.sock'),
      '-n',
      'k8s.io',
      'task',
      'kill',
      '-s',
      'SIGKILL',
      sandbox!.id,
    ])
  }

  /** Process ids of the shims, each of which holds the containers of one Pod. */
  async shimPids(): Promise<readonly number[]> {
    const lines = (await runCommand('ps', ['-eo', 'pid,args'])).split('\n')
    const own = lines.filter(line => line.includes('containerd-shim') && line.includes(`${this.directory}/`))
    return own.map(line => Number(line.trim().split(' ')[0]))
  }

  /** Those that containerd has made: the first of what there is of a sandbox. */
  async networkNamespaces(): Promise<readonly string[]> {
    return readdir(join(this.directory, 'state', 'io.containerd.grpc.v1.cri', 'netns')).catch(() => [])
  }

  /** What Pods have on this machine: to be compared with nothing when all Pods are gone. */
  async leftovers(): Promise<readonly string[]> {
    const { runtime, disk, cgroups } = this.machine.doors
    const found = {
      sandbox: (await runtime.listSandboxes()).map(({ id }) => id),
      container: (await runtime.listContainers()).map(({ id }) => id),
      shim: (await this.shimPids()).map(String),
      mount: (await disk.mounts(this.directory)).map(({ path }) => path),
      cgroup: await cgroups.list(),
      directory: await disk.listDirectory(join(this.directory, 'kubelet', 'pods')),
      log: await disk.listDirectory(join(this.directory, 'logs')),
      namespace: await this.networkNamespaces(),
      address: (await disk.listDirectory(join(this.directory, 'ipam', this.bridge))).filter(name =>
        name.startsWith('10.'),
      ),
    }
    return Object.entries(found).flatMap(([what, names]) => names.map(name => `${what} ${name}`))
  }

  /** Resolves when the kubelet has let go of a Pod. */
  async untilForgotten(podUid: string): Promise<void> {
    const signal = AbortSignal.timeout(DEADLINE_MS)
    const isKnown = (): boolean => this.kubelet?.pods?.workers.some(({ pod }) => pod.metadata.uid === podUid) ?? false
    while (isKnown()) await clock.sleep(10, signal)
  }

  /** Has the machine run a Pod of its own; an absent text ends it. */
  async setManifest(name: string, text?: string): Promise<void> {
    await mkdir(join(this.directory, 'manifests'), { recursive: true })
    const path = join(this.directory, 'manifests', `${name}.yaml`)
    if (text === undefined) await rm(path)
    else await writeFile(path, text)
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
    await this.#server.close()
    await this.#store.close()
    await this.stopContainerd()
    this.machine[Symbol.dispose]()
    await runCommand('ip', ['link', 'delete', this.bridge]).catch(() => {}) // No Pod ever had an address.
    for (const hierarchy of await readdir('/sys/fs/cgroup')) {
      await rmdir(join('/sys/fs/cgroup', hierarchy, this.cgroupRoot)).catch(() => {}) // Not in this one.
    }
    await rm(this.directory, { recursive: true, force: true })
  }
}

export const isReady = (pod: Pod | undefined): boolean =>
  pod?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

async function serverOn(
  store: Store,
  { authority, logger }: { authority: KeyPair; logger: Logger },
): Promise<OpenApiServer> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = await issueCertificate(authority, { commonName: SERVER_NAME, usage: 'client' }, { clock, random })
  return openApiServer({
    createRegistry: admission => createRegistry({ store, clock, random, logger, admission }),
    clock,
    random,
    logger,
    metrics: new MetricsRegistry(),
    tokenKeys: { signing: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string },
    nodes: httpsNodeConnection({ certificate, authority: authority.certificate }),
  })
}
