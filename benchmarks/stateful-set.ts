/**
 * StatefulSets from apply to available, on simulated machines that answer at once, everything in one process on virtual
 * time: `node benchmarks/stateful-set.ts`. Prints the real and the processor time that each took, and its goal.
 */
import { StatefulSet } from '../src/api/apps-v1/types.ts'
import { Namespace, Pod } from '../src/api/core-v1/types.ts'
import { apiClient } from '../src/client/api-client.ts'
import type { Client } from '../src/client/client.ts'
import { controllerComponent } from '../src/client/run-controller.ts'
import { controllerDefinitions } from '../src/controllers/controllers.ts'
import { instantKubelet, registerInstantNode } from '../src/fakes/instant-kubelet.ts'
import { seededRandom } from '../src/fakes/seeded-random.ts'
import { VirtualClock } from '../src/fakes/virtual-clock.ts'
import { silentLogger } from '../src/machinery/logger.ts'
import { createScheduler } from '../src/scheduler/scheduler.ts'
import { memoryStore } from '../src/store/memory/memory-store.ts'
import { ControlPlane } from '../src/testing/control-plane.ts'

const NODES = 50
const namespace = 'default'
/** Real time after which a run has failed. */
const LIMIT_MS = 60_000

interface World {
  readonly clock: VirtualClock
  readonly client: Client
  close(): Promise<void>
}

async function worldOf(): Promise<World> {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const plane = new ControlPlane({ store: memoryStore({ clock }), clock, random, logger: silentLogger })
  await plane.registry.whenReady()
  const client = apiClient(plane.transport('benchmark'))
  await client.create(Namespace, { metadata: { name: namespace }, spec: {} })
  const informers = plane.newInformers('controllers')
  for (const definition of [...controllerDefinitions(), instantKubelet]) {
    const dependencies = plane.dependencies({ component: definition.component }, informers)
    void plane.run(controllerComponent(definition, dependencies))
  }
  void plane.run(createScheduler(plane.dependencies({ component: 'default-scheduler' }, informers)))
  for (let node = 0; node < NODES; node++) await registerInstantNode(client, `node-${node}`, { now: clock.now() })
  await clock.rest()
  return { clock, client, close: () => plane.close() }
}

const createSet = (client: Client, name: string, spec: object): Promise<unknown> =>
  client.create(StatefulSet, {
    metadata: { name, namespace },
    spec: {
      serviceName: '',
      selector: { matchLabels: { set: name } },
      template: { metadata: { labels: { set: name } }, spec: { containers: [{ name: 'main', image: 'old' }] } },
      ...spec,
    },
  })

interface Took {
  readonly realMs: number
  readonly processorMs: number
}

/** Until every set is available at its newest revision. */
async function untilDone({ clock, client }: World, start: () => Promise<unknown>): Promise<Took> {
  const startedMs = performance.now()
  const startedCpu = process.cpuUsage()
  await start()
  while (performance.now() - startedMs < LIMIT_MS) {
    for (let turn = 0; turn < 20; turn++) await clock.advance(Math.min(50, clock.untilNextMs() ?? 50))
    const { items } = await client.list(StatefulSet, { namespace })
    if (!items.every(isDone)) continue
    const { user, system } = process.cpuUsage(startedCpu)
    return { realMs: performance.now() - startedMs, processorMs: (user + system) / 1000 }
  }
  throw new Error(`not done after ${LIMIT_MS / 1000} s`)
}

const isDone = ({ metadata, spec, status }: StatefulSet): boolean =>
  status.observedGeneration === metadata.generation &&
  status.availableReplicas === spec.replicas &&
  status.updatedReplicas === spec.replicas &&
  status.currentRevision === status.updateRevision

function report(what: string, { realMs, processorMs }: Took, goalMs: number): void {
  const times = `${Math.round(realMs)} ms, ${Math.round(processorMs)} ms of processor time`
  process.stdout.write(`${what}: ${times} (goal ${goalMs} ms)\n`)
}

const ordered = await worldOf()
report(
  'ordered set of 100, all available',
  await untilDone(ordered, () => createSet(ordered.client, 'web', { replicas: 100 })),
  2000,
)
const template = { spec: { template: { spec: { containers: [{ name: 'main', image: 'new' }] } } } }
const rollOut = () =>
  ordered.client.patch(StatefulSet, { namespace, name: 'web' }, { type: 'strategic', body: template })
report('rolling update of 100, ordered', await untilDone(ordered, rollOut), 4000)
await ordered.close()

const parallel = await worldOf()
const thousand = { replicas: 1000, podManagementPolicy: 'Parallel' }
report(
  `Parallel set of 1,000 on ${NODES} machines`,
  await untilDone(parallel, () => createSet(parallel.client, 'web', thousand)),
  5000,
)
await parallel.close()

const many = await worldOf()
const createAll = () =>
  Promise.all(Array.from({ length: 500 }, (_, index) => createSet(many.client, `web${index}`, { replicas: 3 })))
report('500 sets of 3 at once', await untilDone(many, createAll), 10_000)
const { items } = await many.client.list(Pod, { namespace })
process.stdout.write(`${items.length} Pods\n`)
await many.close()
