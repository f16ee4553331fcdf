import { Namespace } from '../api/core-v1/types.ts'
import { apiClient } from '../client/api-client.ts'
import { controllerComponent } from '../client/run-controller.ts'
import { controllerDefinitions } from '../controllers/controllers.ts'
import type { FakeImages } from '../fakes/machine/fake-image.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { type Logger, silentLogger } from '../machinery/logger.ts'
import { createScheduler } from '../scheduler/scheduler.ts'
import { memoryStore } from '../store/memory/memory-store.ts'
import type { Store } from '../store/store.ts'
import { Cluster } from './cluster.ts'
import { ControlPlane } from './control-plane.ts'
import { ResourceNames } from './resource-names.ts'
import { Activity } from './settle.ts'
import { SimulatedMachine } from './simulated-machine.ts'

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
}

export interface SimulatedNode {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
}

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']

/** Starts a complete cluster inside this process: no root, no containers, no ports, and time that moves only when told. */
export async function startCluster({
  nodes = 1,
  images,
  seed = 1,
  startsAt,
  logger = silentLogger,
}: ClusterOptions = {}): Promise<Cluster> {
  const clock = new VirtualClock(startsAt)
  const random = seededRandom(seed)
  const activity = new Activity(clock)
  const plane = new ControlPlane({ store: observed(memoryStore({ clock }), activity), clock, random, logger })
  await plane.registry.whenReady()
  const client = apiClient(plane.transport('system:bootstrap'))
  for (const name of SYSTEM_NAMESPACES) await client.create(Namespace, { metadata: { name }, spec: {} })

  const informers = plane.newInformers('controllers')
  for (const definition of controllerDefinitions()) {
    void plane.run(controllerComponent(definition, plane.dependencies({ component: definition.component }, informers)))
  }
  void plane.run(createScheduler(plane.dependencies({ component: 'default-scheduler' }, informers)))
  const machines = simulatedNodes(nodes).map(
    (node, index) =>
      new SimulatedMachine({
        ...node,
        index,
        ...(images && { images }),
        transport: plane.transport(`system:node:${node.name}`),
        clock,
        random,
        logger,
      }),
  )
  for (const machine of machines) machine.startKubelet()
  await clock.rest()
  return new Cluster({
    clock,
    activity,
    transport: plane.transport('test'),
    resourceNames: () => new ResourceNames(plane.resources()),
    machines,
    close: async () => {
      await Promise.all(machines.map(machine => machine.stopKubelet()))
      await plane.close()
    },
  })
}

const simulatedNodes = (nodes: number | readonly SimulatedNode[]): readonly SimulatedNode[] =>
  typeof nodes === 'number' ? Array.from({ length: nodes }, (_, index) => ({ name: `node-${index + 1}` })) : nodes

/** The store, with every write noted. */
function observed<S extends Store>(store: S, activity: Activity): S {
  const commit = store.commit.bind(store)
  store.commit = write => {
    activity.note(write.key)
    return commit(write)
  }
  return store
}
