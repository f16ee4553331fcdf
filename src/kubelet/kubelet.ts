import { Node, Pod, Service } from '../api/core-v1/types.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Informer, InformerEvent, InformerFactory } from '../client/informer.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Component } from '../machinery/component.ts'
import type { Logger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import type { MachineDoors, MachineFacts, ResolverConfig } from './doors.ts'
import { evictionLoop } from './eviction.ts'
import { collectImages } from './images/image-gc.ts'
import { ImagePuller } from './images/image-puller.ts'
import { defaultKubeletConfig, type KubeletConfig } from './kubelet-config.ts'
import { rotateLogs } from './log-rotation.ts'
import { endPods } from './node/end-pods.ts'
import { NodeKeeper } from './node/node-keeper.ts'
import { keepNodeLease } from './node/node-lease.ts'
import { hostAddressesOf, type Pressure, resourcesOf } from './node/node-status.ts'
import { ApiObjects } from './pod/api-objects.ts'
import type { MachineView, PodContext } from './pod/pod-context.ts'
import { PodManager } from './pod-manager.ts'
import { isMirror } from './static-pods/manifests.ts'
import { keepStaticPods } from './static-pods/static-pods.ts'
import { ObjectWatches } from './volumes/object-watches.ts'
import { ServiceAccountTokens } from './volumes/service-account-tokens.ts'
import { VolumeManager } from './volumes/volume-manager.ts'

export interface KubeletOptions {
  readonly nodeName: string
  readonly client: Client
  /** Asked for Pods with the field selector `spec.nodeName=<nodeName>`, for the Node itself, and for Services. */
  readonly informers: InformerFactory
  readonly doors: MachineDoors
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** With source component `kubelet` and the node's name as host. */
  readonly events: EventRecorder
  /** Overrides of `defaultKubeletConfig`. */
  readonly config?: Partial<KubeletConfig>
}

/** A kubelet that also answers for its machine's own endpoint: what runs here, by Pod. */
export interface Kubelet extends Component {
  readonly pods: PodManager | undefined
  readonly config: KubeletConfig
  /**
   * The machine goes down: says so, takes no more Pods, and ends those that run within `config.shutdown`. Resolves when they
   * have ended or the time is over. Without a time nothing happens: containers outlive a kubelet.
   */
  shutDown(): Promise<void>
}

/** Runs the Pods that the API assigns to one machine, and keeps running them while the API is away. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const config = { ...defaultKubeletConfig, ...options.config }
  let pods: PodManager | undefined
  let isShuttingDown = false
  return {
    async shutDown() {
      if (config.shutdown.graceMs === 0) return
      isShuttingDown = true
      options.logger.info({ ...config.shutdown }, 'the machine goes down; ending its pods')
      await endPods({ workers: () => pods?.workers ?? [], clock: options.clock, ...config.shutdown })
    },
    name: `kubelet ${options.nodeName}`,
    config,
    get pods() {
      return pods
    },
    async run(signal) {
      const machine = await machineOf(options, config)
      const pressure = { current: { memory: false, disk: false, pids: false } as Pressure }
      const informers = informersOf(options)
      const context = contextOf(options, { config, machine, services: informers.services, signal })
      pods = new PodManager({
        context,
        node: informers.node,
        allocatable: machine.allocatable,
        pressure: () => pressure.current,
        isShuttingDown: () => isShuttingDown,
        signal,
      })
      await runParts(
        { options, config, machine, pods, pressure, informers, isShuttingDown: () => isShuttingDown },
        signal,
      )
    },
  }
}

interface Machine {
  readonly facts: MachineFacts
  readonly view: MachineView
  readonly allocatable: Readonly<Record<string, string>>
}

interface Informers {
  readonly pods: Informer<Pod>
  readonly services: Informer<Service>
  readonly node: () => Node | undefined
}

interface Parts {
  readonly options: KubeletOptions
  readonly config: KubeletConfig
  readonly machine: Machine
  readonly pods: PodManager
  readonly pressure: { current: Pressure }
  readonly informers: Informers
  readonly isShuttingDown: () => boolean
}

async function runParts(
  { options, config, machine, pods, pressure, informers, isShuttingDown }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const { nodeName, client, clock, logger, doors, events } = options
  const keeper = new NodeKeeper({
    nodeName,
    client,
    doors,
    clock,
    logger,
    events,
    config,
    facts: machine.facts,
    pressure: () => pressure.current,
    isShuttingDown,
  })
  await Promise.all([
    keeper.run(signal),
    keepNodeLease({ nodeName, client, clock, logger, leaseDurationSeconds: config.leaseDurationSeconds }, signal),
    runPods({ options, pods, informers }, signal),
    collectImages({ doors, clock, logger, config, imagesInUse: () => pods.imagesInUse() }, signal),
    rotateLogs({ doors, clock, logger, config, records: () => pods.runningRecords() }, signal),
    runStaticPods({ options, config, pods, informers }, signal),
    evictionLoop({ doors, clock, logger, config, pods, pressure }, signal),
  ])
}

async function runPods(
  { options, pods, informers }: Pick<Parts, 'options' | 'pods' | 'informers'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await Promise.all([followApi({ options, pods, informers }, signal), followRuntime(options.doors, pods, signal)])
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await pods.stop()
  }
}

async function followApi(
  { options, pods, informers }: Pick<Parts, 'options' | 'pods' | 'informers'>,
  signal: AbortSignal,
): Promise<void> {
  // Pods may need variables of Services, so these come first.
  await Promise.all([informers.services.whenSynced(signal), informers.pods.whenSynced(signal)])
  using _subscription = informers.pods.subscribe(event => deliver(event, pods))
  await opened(pods, options, signal)
  await untilAborted(signal)
}

async function followRuntime({ runtime }: MachineDoors, pods: PodManager, signal: AbortSignal): Promise<void> {
  for await (const event of runtime.events(signal)) {
    if (event.kind === 'lagged') pods.wakeAll()
    else pods.wakeOwner(event)
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

async function runStaticPods(
  { options, config, pods, informers }: Pick<Parts, 'options' | 'config' | 'pods' | 'informers'>,
  signal: AbortSignal,
): Promise<void> {
  const { nodeName, client, doors, clock, logger } = options
  const { staticPodDirectory: directory } = config
  if (directory === undefined) return
  const { pods: mirrors } = informers
  await keepStaticPods({ directory, nodeName, pods, mirrors, client, disk: doors.disk, clock, logger }, signal)
}

const RETRY_MS = 1000

/** Waits for the runtime if it is not there yet: without knowing what runs, nothing may be started. */
async function opened(pods: PodManager, { clock, logger }: KubeletOptions, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await pods.open()
    } catch (error) {
      logger.warn({ error }, 'could not look at what runs on the machine; trying again')
      await clock.sleep(RETRY_MS, signal)
    }
  }
}

function deliver(event: InformerEvent<Pod>, pods: PodManager): void {
  if (isMirror(event.object)) return // Its Pod is not the API's.
  if (event.type === 'deleted') pods.markGone(event.object)
  else pods.update(event.object)
}

function informersOf({ informers, nodeName }: KubeletOptions): Informers {
  const pods = informers.informer(Pod, { fieldSelector: `spec.nodeName=${nodeName}` })
  const nodes = informers.informer(Node, { fieldSelector: `metadata.name=${nodeName}` })
  return { pods, services: informers.informer(Service), node: () => nodes.get({ name: nodeName }) }
}

async function machineOf({ doors, nodeName }: KubeletOptions, config: KubeletConfig): Promise<Machine> {
  const [facts, resolver, disk] = await Promise.all([
    doors.machine.facts(),
    doors.machine.resolver(),
    doors.disk.makeDirectory(config.rootDirectory, 0o750).then(() => doors.disk.fileSystemUsage(config.rootDirectory)),
  ])
  const { allocatable } = resourcesOf({ facts, config, disk })
  return { facts, allocatable, view: viewOf({ nodeName, facts, resolver, config, allocatable }) }
}

interface ViewInput {
  readonly nodeName: string
  readonly facts: MachineFacts
  readonly resolver: ResolverConfig
  readonly config: KubeletConfig
  readonly allocatable: Readonly<Record<string, string>>
}

const viewOf = ({ nodeName, facts, resolver, config, allocatable }: ViewInput): MachineView => ({
  nodeName,
  hostname: facts.hostname,
  hostAddresses: hostAddressesOf(facts, config),
  memoryBytes: facts.memoryBytes,
  resolver,
  allocatable: {
    cpu: allocatable.cpu ?? '0',
    memory: allocatable.memory ?? '0',
    ephemeralStorage: allocatable['ephemeral-storage'] ?? '0',
  },
})

function contextOf(
  { client, doors, clock, random, logger, events, nodeName }: KubeletOptions,
  {
    config,
    machine,
    services,
    signal,
  }: { config: KubeletConfig; machine: Machine; services: Informer<Service>; signal: AbortSignal },
): PodContext {
  const objects = new ApiObjects(client)
  const tokens = new ServiceAccountTokens({ client, clock })
  const podsDirectory = `${config.rootDirectory}/pods`
  return {
    client,
    doors,
    clock,
    logger,
    events,
    config,
    objects,
    objectWatches: new ObjectWatches({ client, clock, random, logger }, signal),
    images: new ImagePuller({ runtime: doors.runtime, client, clock, events, backoff: config.backoff }),
    volumes: new VolumeManager({ podsDirectory, nodeName, disk: doors.disk, client, objects, tokens }),
    machine: () => machine.view,
    services: () => services.list(),
  }
}
