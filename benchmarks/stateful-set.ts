/**
 * StatefulSets from apply to available, on simulated machines that answer at once, everything in one process on virtual
 * time: `node benchmarks/stateful-set.ts [case …]`. Prints the real and the processor time that each took, and its goal.
 */
import { StatefulSet } from '../src/api/apps-v1/types.ts'
import { Lease } from '../src/api/coordination-v1/types.ts'
import { Namespace, Service } from '../src/api/core-v1/types.ts'
import { apiClient } from '../src/client/api-client.ts'
import type { Client } from '../src/client/client.ts'
import { controllerComponent } from '../src/client/run-controller.ts'
import { controllerDefinitions } from '../src/controllers/controllers.ts'
import { instantKubelet, registerInstantNode } from '../src/fakes/instant-kubelet.ts'
import { seededRandom } from '../src/fakes/seeded-random.ts'
import { VirtualClock } from '../src/fakes/virtual-clock.ts'
import type { Component } from '../src/machinery/component.ts'
import { silentLogger } from '../src/machinery/logger.ts'
import { microTimeText } from '../src/machinery/time.ts'
import { createScheduler } from '../src/scheduler/scheduler.ts'
import { memoryStore } from '../src/store/memory/memory-store.ts'
import type { Store } from '../src/store/store.ts'
import { ControlPlane } from '../src/testing/control-plane.ts'

const NODES = 50
const LEASES = 'kube-node-lease'
const HOUR_MS = 3_600_000
const namespace = 'work'
/** Real time after which a run has failed. */
const LIMIT_MS = 60_000

interface World {
  readonly clock: VirtualClock
  readonly client: Client
  /** How often each resource was written. */
  readonly writes: Map<string, number>
  close(): Promise<void>
}

async function worldOf(): Promise<World> {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const writes = new Map<string, number>()
  const store = countingStore(memoryStore({ clock }), writes)
  const plane = await ControlPlane.open({ store, clock, random, logger: silentLogger })
  await plane.registry.whenReady()
  const client = apiClient(plane.transport('benchmark'))
  await client.create(Namespace, { metadata: { name: namespace }, spec: {} })
  const informers = plane.newInformers('controllers')
  for (const definition of [...controllerDefinitions(), instantKubelet]) {
    const dependencies = plane.dependencies({ component: definition.component }, informers)
    void plane.run(controllerComponent(definition, dependencies))
  }
  void plane.run(createScheduler(plane.dependencies({ component: 'default-scheduler' }, informers)))
  for (let node = 0; node < NODES; node++) {
    await registerInstantNode(client, `node-${node}`, { now: clock.now() })
    void plane.run(heartbeat(client, clock, `node-${node}`))
  }
  await clock.rest()
  return { clock, client, writes, close: () => plane.close() }
}

function countingStore(store: Store, writes: Map<string, number>): Store {
  const commit: Store['commit'] = write => {
    const [, , resource = ''] = write.key.split('/')
    writes.set(resource, (writes.get(resource) ?? 0) + 1)
    return store.commit(write)
  }
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'commit') return commit
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** What a machine with nothing to do writes: its Lease, every ten seconds. */
const heartbeat = (client: Client, clock: VirtualClock, name: string): Component => ({
  name: `heartbeat-${name}`,
  async run(signal) {
    const key = { namespace: LEASES, name }
    await client.create(Lease, { metadata: key, spec: { holderIdentity: name, leaseDurationSeconds: 40 } })
    while (!signal.aborted) {
      const body = { spec: { renewTime: microTimeText(clock.now()) } }
      await client.patch(Lease, key, { type: 'merge', body })
      await clock.sleep(10_000, signal).catch(() => {})
    }
  },
})

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
function untilDone(world: World, start: () => Promise<unknown>): Promise<Took> {
  const isDone = async () => (await world.client.list(StatefulSet, { namespace })).items.every(isAvailable)
  return until(world, { start, isDone })
}

async function until(
  { clock }: World,
  { start, isDone }: { readonly start: () => Promise<unknown>; readonly isDone: () => Promise<boolean> },
): Promise<Took> {
  const startedMs = performance.now()
  const startedCpu = process.cpuUsage()
  let isStarted = false
  const started = start().then(() => {
    isStarted = true
  })
  while (performance.now() - startedMs < LIMIT_MS) {
    for (let turn = 0; turn < 20; turn++) await clock.advance(Math.min(50, clock.untilNextMs() ?? 50))
    if (!isStarted || !(await isDone())) continue
    await started
    const { user, system } = process.cpuUsage(startedCpu)
    return { realMs: performance.now() - startedMs, processorMs: (user + system) / 1000 }
  }
  throw new Error(`not done after ${LIMIT_MS / 1000} s`)
}

const isAvailable = ({ metadata, spec, status }: StatefulSet): boolean =>
  status.observedGeneration === metadata.generation &&
  status.availableReplicas === spec.replicas &&
  status.updatedReplicas === spec.replicas &&
  status.currentRevision === status.updateRevision

function report(what: string, { realMs, processorMs }: Took, goalMs: number): void {
  const times = `${Math.round(realMs)} ms, ${Math.round(processorMs)} ms of processor time`
  process.stdout.write(`${what}: ${times} (goal ${goalMs} ms)\n`)
}

async function ordered(): Promise<void> {
  const world = await worldOf()
  const set = () => createSet(world.client, 'web', { replicas: 100 })
  report('ordered set of 100, all available', await untilDone(world, set), 2000)
  const body = { spec: { template: { spec: { containers: [{ name: 'main', image: 'new' }] } } } }
  const rollOut = () => world.client.patch(StatefulSet, { namespace, name: 'web' }, { type: 'strategic', body })
  report('rolling update of 100, ordered', await untilDone(world, rollOut), 4000)
  await world.close()
}

async function parallel(): Promise<void> {
  const world = await worldOf()
  const set = () => createSet(world.client, 'web', { replicas: 1000, podManagementPolicy: 'Parallel' })
  report(`Parallel set of 1,000 on ${NODES} machines`, await untilDone(world, set), 5000)
  await world.close()
}

async function many(): Promise<void> {
  const world = await worldOf()
  const sets = () =>
    Promise.all(Array.from({ length: 500 }, (_, index) => createSet(world.client, `web${index}`, { replicas: 3 })))
  report('500 sets of 3 at once', await untilDone(world, sets), 10_000)
  await world.close()
}

/** Ten sets of a thousand, each with a Service. */
async function tenThousandPods(): Promise<World> {
  const world = await worldOf()
  const { client } = world
  await untilDone(world, async () => {
    for (let index = 0; index < 10; index++) {
      const name = `web${index}`
      await client.create(Service, {
        metadata: { name, namespace },
        spec: { clusterIP: 'None', selector: { set: name }, ports: [{ name: 'http', port: 80 }] },
      })
      await createSet(client, name, { replicas: 1000, serviceName: name, podManagementPolicy: 'Parallel' })
    }
  })
  return world
}

async function deletion(): Promise<void> {
  const world = await tenThousandPods()
  const start = () => world.client.delete(Namespace, { name: namespace })
  const isGone = async () => (await world.client.find(Namespace, { name: namespace })) === undefined
  report('10,000 Pods deleted with their namespace', await until(world, { start, isDone: isGone }), 30_000)
  await world.close()
}

/** An hour without any change: what it costs, and who writes. */
async function idle(): Promise<void> {
  const world = await tenThousandPods()
  await world.clock.advance(15 * 60_000) // What followed from the beginning is over then: back-off, folded events, old history.
  world.writes.clear()
  const startedCpu = process.cpuUsage()
  await world.clock.advance(HOUR_MS)
  const { user, system } = process.cpuUsage(startedCpu)
  const share = (user + system) / 1000 / HOUR_MS
  const writes = [...world.writes].map(([what, count]) => `${count} × ${what}`).join(', ') || 'none'
  process.stdout.write(
    `idle with 10,000 Pods: ${((user + system) / 1e6).toFixed(1)} s of processor time an hour, ${(share * 100).toFixed(3)} % of a core (goal 2 %), writes: ${writes}\n`,
  )
  await world.close()
}

const CASES: Readonly<Record<string, () => Promise<void>>> = { ordered, parallel, many, deletion, idle }
const chosen = process.argv.slice(2)
for (const name of chosen.length > 0 ? chosen : Object.keys(CASES)) {
  const run = CASES[name]
  if (!run) throw new Error(`no case "${name}"; there are ${Object.keys(CASES).join(', ')}`)
  await run()
}
