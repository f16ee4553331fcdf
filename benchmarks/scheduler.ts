/**
 * How many Pods a second get their machine, on simulated machines and an API in memory: `node benchmarks/scheduler.ts`.
 * Arguments: the number of machines (5000) and of Pods (5000) of each workload.
 */
import { type Node, Node as nodeKind, PersistentVolume, PersistentVolumeClaim, Pod } from '../src/api/core-v1/types.ts'
import { StorageClass } from '../src/api/storage-v1/types.ts'
import { apiClient } from '../src/client/api-client.ts'
import type { Client } from '../src/client/client.ts'
import type { Dependencies } from '../src/client/controller.ts'
import { controllerComponent } from '../src/client/run-controller.ts'
import { SharedInformers } from '../src/client/shared-informers.ts'
import { persistentVolumeController } from '../src/controllers/persistent-volume/persistent-volume-controller.ts'
import { seededRandom } from '../src/fakes/seeded-random.ts'
import { silentLogger } from '../src/machinery/logger.ts'
import { systemClock } from '../src/machinery/system-clock.ts'
import { claimOf, classOf, nodeOf, type PodTraits, podOf, volumeOf } from '../src/scheduler/fixtures.ts'
import { MemoryApi } from '../src/scheduler/memory-api.ts'
import { createScheduler } from '../src/scheduler/scheduler.ts'

const [nodeCount = 5000, podCount = 5000] = process.argv.slice(2).map(Number)
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
      await client.create(StorageClass, classOf('local'))
      const spec = { storageClassName: 'local' }
      for (let i = 0; i < podCount; i++) {
        await client.create(PersistentVolume, volumeOf(`pv-${i}`, { hosts: [`node-${i % nodeCount}`], spec }))
        await client.create(PersistentVolumeClaim, claimOf(`data-${i}`, spec))
      }
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

async function podsPerSecond({ pod, prepare, runsVolumeController }: Workload): Promise<number> {
  const api = new MemoryApi()
  const client = apiClient(api)
  for (let i = 0; i < nodeCount; i++) await client.create(nodeKind, machine(i))
  await prepare?.(client)
  for (let i = 0; i < podCount; i++) await client.create(Pod, podOf(`pod-${i}`, pod(i)))
  const stopping = new AbortController()
  const parts = Array.from({ length: 2 }, () => dependenciesOf(client))
  const startedMs = systemClock.monotonicMs()
  const running = [createScheduler(parts[0]!).run(stopping.signal)]
  if (runsVolumeController)
    running.push(controllerComponent(persistentVolumeController, parts[1]!).run(stopping.signal))
  while (api.bindings.length < podCount && systemClock.monotonicMs() - startedMs < DEADLINE_MS) {
    await systemClock.sleep(5)
  }
  const seconds = (systemClock.monotonicMs() - startedMs) / 1000
  stopping.abort(new Error('measured'))
  await Promise.all([...running, ...parts.map(({ informers }) => informers.stop())])
  return api.bindings.length / seconds
}

function dependenciesOf(client: Client): Dependencies {
  const random = seededRandom(1)
  const informers = new SharedInformers({ client, clock: systemClock, random, logger: silentLogger })
  return { client, clock: systemClock, random, informers, logger: silentLogger, events: { record: () => {} } }
}

console.log(`${podCount} Pods on ${nodeCount} machines`)
const only = process.argv[4]
for (const workload of workloads) {
  if (only && !workload.name.includes(only)) continue
  const rate = await podsPerSecond(workload)
  console.log(`${Math.round(rate).toString().padStart(7)} Pods/s  ${workload.name}`)
}
