import type { FakeImages } from '../fakes/machine/fake-image.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import type { FeatureGates } from '../machinery/feature-gates.ts'
import { type Logger, silentLogger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import { memoryStore } from '../store/memory/memory-store.ts'
import type { Store } from '../store/store.ts'
import { Cluster } from './cluster.ts'
import { ClusterNames } from './cluster-names.ts'
import { type Between, ControlComponents } from './control-components.ts'
import { ControlPlane } from './control-plane.ts'
import { History, observedStore } from './history.ts'
import { MachineEndpoints } from './machine-endpoints.ts'
import { ResourceNames } from './resource-names.ts'
import { Activity } from './settle.ts'
import { SimulatedMachine } from './simulated-machine.ts'
import { SkewedClock } from './skewed-clock.ts'

export interface ClusterOptions {
  /** How many machines, or their names and labels. Default 1, named `node-1`, `node-2` … */
  readonly nodes?: number | readonly SimulatedNode[]
  /** What the containers of an image do. Default: any image exists, starts at once and runs for ever. */
  readonly images?: FakeImages
  /** Drives everything that is left to chance: the same seed gives the same history. Default 1. */
  readonly seed?: number
  /** Wall time at the start. Default 2026-01-01T00:00:00Z. */
  readonly startsAt?: Date
  readonly logger?: Logger
  /** Features switched as with `--feature-gates`. */
  readonly featureGates?: FeatureGates
}

export interface SimulatedNode {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  /** How far its wall clock is ahead of the others'. */
  readonly clockOffsetMs?: number
  readonly diskBytes?: number
}

/** What a simulation puts between the parts of a cluster. */
export interface ClusterSeams {
  /** Between a component (a controller, the scheduler, `informers`, `kubelet node-1`) and the server. */
  readonly between?: Between
  /** Between the server and its store. */
  readonly store?: (store: Store, clock: VirtualClock) => Store
}

/** Starts a complete cluster inside this process: no root, no containers, no ports, and time that moves only when told. */
export const startCluster = (options: ClusterOptions = {}): Promise<Cluster> => startClusterWith(options, {})

export async function startClusterWith(
  { nodes = 1, images, seed = 1, startsAt, logger = silentLogger, featureGates = {} }: ClusterOptions,
  { between = (_, transport) => transport, store: wrapStore = store => store }: ClusterSeams,
): Promise<Cluster> {
  const clock = new VirtualClock(startsAt)
  const random = seededRandom(seed)
  const activity = new Activity(clock)
  const history = new History()
  const store = observedStore(memoryStore({ clock }), write => {
    activity.note(write.key)
    history.note(write)
  })
  const endpoints = new MachineEndpoints(name => machines.find(machine => machine.name === name), { clock, logger })
  const plane = await ControlPlane.open({
    store: wrapStore(store, clock),
    clock,
    random,
    logger,
    featureGates,
    nodes: endpoints,
  })
  const controllers = new ControlComponents(plane, { between, featureGates })
  const machines = machinesOf(nodes, { plane, between, clock, random, logger, ...(images && { images }) })
  controllers.start()
  for (const machine of machines) machine.startKubelet()
  await clock.rest()
  return new Cluster({
    clock,
    activity,
    history,
    plane,
    controllers,
    names: new ClusterNames(plane),
    resourceNames: () => new ResourceNames(plane.resources()),
    machines,
    endpoints,
    close: async () => {
      await Promise.all(machines.map(machine => machine.stopKubelet()))
      await plane.close()
    },
  })
}

interface MachineParts {
  readonly plane: ControlPlane
  readonly between: Between
  readonly clock: VirtualClock
  readonly random: Random
  readonly logger: Logger
  readonly images?: FakeImages
}

const machinesOf = (
  nodes: number | readonly SimulatedNode[],
  { plane, between, clock, ...parts }: MachineParts,
): readonly SimulatedMachine[] =>
  simulatedNodes(nodes).map(
    ({ clockOffsetMs = 0, ...node }, index) =>
      new SimulatedMachine({
        ...parts,
        ...node,
        index,
        clock: new SkewedClock(clock, clockOffsetMs),
        transport: between(`kubelet ${node.name}`, plane.transportForNode(node.name)),
        provisionerTransport: between(`provisioner ${node.name}`, plane.transport('system:local-volume-provisioner')),
      }),
  )

const simulatedNodes = (nodes: number | readonly SimulatedNode[]): readonly SimulatedNode[] =>
  typeof nodes === 'number' ? Array.from({ length: nodes }, (_, index) => ({ name: `node-${index + 1}` })) : nodes
