/**
 * How many Pods a second get their machine: `node benchmarks/scheduler.ts [machines] [Pods] [workload] [api]`. The API is
 * `server`, the real one in this process over a store in memory, events included, or `fake`, which costs next to nothing.
 */

import { Registry as MetricsRegistry } from 'prom-client'
import { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../src/api/core-v1/types.ts'
import type { Kind, KubernetesObject, Unsaved } from '../src/api/kind.ts'
import { StorageClass } from '../src/api/storage-v1/types.ts'
import { apiClient } from '../src/client/api-client.ts'
import { ApiEventRecorder } from '../src/client/api-event-recorder.ts'
import type { Client } from '../src/client/client.ts'
import type { Dependencies } from '../src/client/controller.ts'
import { controllerComponent } from '../src/client/run-controller.ts'
import { SharedInformers } from '../src/client/shared-informers.ts'
import { persistentVolumeController } from '../src/controllers/persistent-volume/persistent-volume-controller.ts'
import type { ApiTransport } from '../src/machinery/api-call.ts'
import { silentLogger } from '../src/machinery/logger.ts'
import { systemClock } from '../src/machinery/system-clock.ts'
import { systemRandom } from '../src/machinery/system-random.ts'
import { createRegistry } from '../src/registry/create-registry.ts'
import { claimOf, classOf, nodeOf, type PodTraits, podOf, volumeOf } from '../src/scheduler/fixtures.ts'
import { MemoryApi } from '../src/scheduler/memory-api.ts'
import { createScheduler } from '../src/scheduler/scheduler.ts'
import { createApiServer } from '../src/server/api-server.ts'
import { allowAll } from '../src/server/authorization/authorizer.ts'
import { memoryStore } from '../src/store/memory/memory-store.ts'

const [, , nodesText = '5000', podsText = '5000', only = '', apiName = 'server'] = process.argv
const [nodeCount, podCount] = [Number(nodesText), Number(podsText)]
const ZONES = 3
const PODS_PER_APP = 50
const DEADLINE_MS = 120_000

interface Workload {
  readonly name: string
  readonly pod: (index: number) => PodTraits
  /** What must be there before. */
  readonly prepare?: (client: Client) => Promise<void>
  readonly runsVolumeController?: boolean
}

const app = (index: number): string => `app-${Math.floor(index / PODS_PER_APP)}`
const small = { cpu: '100m', memory: '128Mi' } as const
const same = (index: number) => ({ matchLabels: { app: app(index) } })

const workloads: readonly Workload[] = [
  { name: 'no constraints', pod: index => ({ ...small, labels: { app: app(index) } }) },
  {
    name: 'anti-affinity by machine',
    pod: index => ({
      ...small,
      labels: { app: app(index) },
      spec: {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: same(index) },
            ],
          },
        },
      },
    }),
  },
  {
    name: 'topology spread by zone and machine',
    pod: index => ({
      ...small,
      labels: { app: app(index) },
      spec: {
        topologySpreadConstraints: [
          spread('topology.kubernetes.io/zone', index),
          spread('kubernetes.io/hostname', index),
        ],
      },
    }),
  },
  {
    name: 'local volumes to bind',
    runsVolumeController: true,
    prepare: async client => {
      await create(client, StorageClass, classOf('local'))
      const spec = { storageClassName: 'local' }
      await times(podCount, async i => {
        const volume = volumeOf(`pv-${i}`, { hosts: [`node-${i % nodeCount}`], spec })
        await createWithStatus(client, PersistentVolume, volume)
        await create(client, PersistentVolumeClaim, claimOf(`data-${i}`, spec))
      })
    },
    pod: index => ({ ...small, claims: [`data-${index}`] }),
  },
]

const spread = (topologyKey: string, index: number) => ({
  topologyKey,
  maxSkew: 1,
  whenUnsatisfiable: 'DoNotSchedule' as const,
  labelSelector: same(index),
})

const machine = (index: number): Node =>
  nodeOf(`node-${index}`, {
    cpu: '32',
    memory: '128Gi',
    labels: { 'topology.kubernetes.io/zone': `zone-${index % ZONES}` },
  })

interface Rates {
  readonly perSecond: number
  /** On a machine that others use too, the fairer number. */
  readonly perProcessorSecond: number
}

async function measured({ pod, prepare, runsVolumeController }: Workload): Promise<Rates> {
  await using api = apiName === 'fake' ? fakeApi() : await serverApi()
  const client = apiClient(api.transport)
  await client.create(Namespace, { metadata: { name: 'default' }, spec: {} })
  await times(nodeCount, i => createWithStatus(client, Node, machine(i)))
  await prepare?.(client)
  await times(podCount, i => create(client, Pod, podOf(`pod-${i}`, pod(i))))
  const parts = Array.from({ length: 3 }, () => dependenciesOf(client))
  const placed = countPlaced(parts[2]!)
  await placed.informer.whenSynced()
  const stopping = new AbortController()
  const startedMs = systemClock.monotonicMs()
  const startedCpu = process.cpuUsage()
  const running = [createScheduler(parts[0]!).run(stopping.signal)]
  if (runsVolumeController)
    running.push(controllerComponent(persistentVolumeController, parts[1]!).run(stopping.signal))
  while (placed.uids.size < podCount && systemClock.monotonicMs() - startedMs < DEADLINE_MS) await systemClock.sleep(5)
  const seconds = (systemClock.monotonicMs() - startedMs) / 1000
  const { user, system } = process.cpuUsage(startedCpu)
  stopping.abort(new Error('measured'))
  await Promise.all([...running, ...parts.map(({ informers }) => informers.stop())])
  const count = placed.uids.size
  return { perSecond: count / seconds, perProcessorSecond: (count * 1e6) / (user + system) }
}

function countPlaced({ informers }: Dependencies) {
  const uids = new Set<string>()
  const informer = informers.informer(Pod)
  informer.subscribe(({ object: { metadata, spec } }) => {
    if (spec.nodeName) uids.add(metadata.uid)
  })
  return { uids, informer }
}

interface BenchmarkApi extends AsyncDisposable {
  readonly transport: ApiTransport
}

const fakeApi = (): BenchmarkApi => ({ transport: new MemoryApi(), [Symbol.asyncDispose]: async () => {} })

async function serverApi(): Promise<BenchmarkApi> {
  const base = { clock: systemClock, random: systemRandom, logger: silentLogger }
  const registry = createRegistry({ ...base, store: memoryStore({ clock: systemClock }), admission: [] })
  const metrics = new MetricsRegistry()
  const server = createApiServer({ ...base, registry, metrics, authentication: [], authorization: allowAll })
  await registry.whenReady()
  return {
    transport: server.transportFor({ name: 'benchmark', groups: ['system:masters', 'system:authenticated'] }),
    [Symbol.asyncDispose]: async () => {
      await server.close()
      await registry.close()
    },
  }
}

/** Many at a time, in order. */
async function times(count: number, run: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    await Promise.all(Array.from({ length: Math.min(500, count - from) }, (_, offset) => run(from + offset)))
  }
}

/** Test objects come as if stored; the server gives what it gives itself. */
function create<T extends KubernetesObject>(client: Client, kind: Kind<T>, object: T): Promise<T> {
  const { resourceVersion: _version, uid: _uid, creationTimestamp: _time, ...metadata } = object.metadata
  return client.create(kind, { ...object, metadata } as unknown as Unsaved<T>)
}

/** The status of a new object is empty, whatever it came with. */
async function createWithStatus<T extends Node | PersistentVolume>(client: Client, kind: Kind<T>, object: T) {
  const created = await create(client, kind, object)
  await client.updateStatus(kind, { ...created, status: object.status })
}

function dependenciesOf(client: Client): Dependencies {
  const base = { client, clock: systemClock, random: systemRandom, logger: silentLogger }
  const events = new ApiEventRecorder({ component: 'default-scheduler' }, base)
  return { ...base, informers: new SharedInformers(base), events }
}

console.log(`${podCount} Pods on ${nodeCount} machines, ${apiName} API`)
for (const workload of workloads) {
  if (!workload.name.includes(only)) continue
  const rates = await measured(workload)
  const [wall, cpu] = [rates.perSecond, rates.perProcessorSecond].map(rate => Math.round(rate).toString().padStart(7))
  console.log(`${wall} Pods/s ${cpu} per processor second  ${workload.name}`)
}
process.exit() // The server's timers may outlive its close.
