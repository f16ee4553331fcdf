import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import { unitsOf } from '../machinery/quantity.ts'
import type { ContainerUsage, MachineDoors } from './doors.ts'
import type { KubeletConfig } from './kubelet-config.ts'
import {
  DISK_AVAILABLE_SHARE_MIN,
  INODES_FREE_SHARE_MIN,
  MEMORY_AVAILABLE_BYTES_MIN,
  type Pressure,
  pidsAreShort,
} from './node/node-status.ts'
import type { PodWorker } from './pod/pod-worker.ts'
import type { PodManager } from './pod-manager.ts'
import { exceededStorageLimit, limitsStorage } from './storage-limits.ts'

export interface EvictionOptions {
  readonly doors: MachineDoors
  readonly clock: Clock
  readonly logger: Logger
  readonly config: KubeletConfig
  readonly pods: PodManager
  readonly pressure: { current: Pressure }
}

const INTERVAL_MS = 10_000
/** A Pod that broke its own limit ends at once, as upstream ends it. */
const EVICTION_GRACE_MS = 1000
/** A condition that has gone stays shown for a while, so that Pods do not come and go with it. */
const TRANSITION_MS = 300_000

/** Watches what the machine runs short of, says so in the Node's conditions, and evicts one Pod at a time until it ends. */
export async function evictionLoop(options: EvictionOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options
  const lastSeenMs = new Map<keyof Pressure, number>()
  while (!signal.aborted) {
    await clock.sleep(INTERVAL_MS, signal).catch(() => {}) // Aborted: the loop ends.
    if (signal.aborted) return
    try {
      const found = await pressureOf(options)
      options.pressure.current = held(found, lastSeenMs, clock.monotonicMs())
      await evictGreedy(options)
      if (found.memory || found.disk) await evictOne(options, found)
    } catch (error) {
      logger.warn({ error }, 'could not look at the load of the machine')
    }
  }
}

async function pressureOf({ doors, config }: EvictionOptions): Promise<Pressure> {
  const [load, disk] = await Promise.all([doors.machine.load(), doors.disk.fileSystemUsage(config.rootDirectory)])
  const isFull = disk.availableBytes < disk.capacityBytes * DISK_AVAILABLE_SHARE_MIN
  const hasNoInodes = disk.inodes > 0 && disk.inodesFree < disk.inodes * INODES_FREE_SHARE_MIN
  return {
    memory: load.memoryAvailableBytes < MEMORY_AVAILABLE_BYTES_MIN,
    disk: isFull || hasNoInodes,
    pids: pidsAreShort(load),
  }
}

function held(found: Pressure, lastSeenMs: Map<keyof Pressure, number>, nowMs: number): Pressure {
  const isHeld = (name: keyof Pressure): boolean => {
    if (found[name]) lastSeenMs.set(name, nowMs)
    return nowMs - (lastSeenMs.get(name) ?? Number.NEGATIVE_INFINITY) < TRANSITION_MS
  }
  return { memory: isHeld('memory'), disk: isHeld('disk'), pids: isHeld('pids') }
}

/** Pods that use more local storage than they said they would. */
async function evictGreedy({ doors, config, pods, logger }: EvictionOptions): Promise<void> {
  const limited = pods.workers.filter(worker => !worker.isTerminating && limitsStorage(worker.pod))
  if (limited.length === 0) return
  const usage = await doors.runtime.usage()
  for (const worker of limited) {
    const directory = `${config.rootDirectory}/pods/${worker.pod.metadata.uid}`
    const message = await exceededStorageLimit(worker.pod, { disk: doors.disk, directory, usage })
    if (!message) continue
    logger.warn({ pod: worker.pod.metadata.name, message }, 'evicting a pod')
    worker.terminate({ reason: 'Evicted', message, isFailed: true, graceMs: EVICTION_GRACE_MS })
  }
}

interface Candidate {
  readonly worker: PodWorker
  readonly usedBytes: number
  readonly requestedBytes: number
}

async function evictOne({ doors, pods, logger }: EvictionOptions, pressure: Pressure): Promise<void> {
  const resource = pressure.memory ? 'memory' : 'ephemeral-storage'
  const usage = await doors.runtime.usage()
  const [victim] = pods.workers
    .filter(worker => !worker.isTerminating && (worker.pod.spec.priority ?? 0) < 2_000_000_000)
    .map(worker => candidateOf(worker, resource, usage))
    .sort(byEviction)
  if (!victim) return
  const message = `The node was low on resource: ${resource}. `
  logger.warn({ pod: victim.worker.pod.metadata.name, resource }, 'evicting a pod')
  // A hard threshold leaves no time to end well.
  victim.worker.terminate({ reason: 'Evicted', message, isFailed: true, graceMs: 0 })
}

function candidateOf(worker: PodWorker, resource: string, usage: readonly ContainerUsage[]): Candidate {
  const own = usage.filter(({ pod }) => pod.uid === worker.pod.metadata.uid)
  const usedBytes = own.reduce(
    (sum, { memoryWorkingSetBytes, writableLayerBytes }) =>
      sum + (resource === 'memory' ? memoryWorkingSetBytes : writableLayerBytes),
    0,
  )
  const requestedBytes = worker.pod.spec.containers.reduce(
    (sum, { resources }) => sum + unitsOf(resources?.requests?.[resource] ?? 0),
    0,
  )
  return { worker, usedBytes, requestedBytes }
}

/** Who uses more than asked for goes first, then the less important, then who exceeds its request most. */
function byEviction(a: Candidate, b: Candidate): number {
  const exceeds = ({ usedBytes, requestedBytes }: Candidate): number => (usedBytes > requestedBytes ? 0 : 1)
  const priority = ({ worker }: Candidate): number => worker.pod.spec.priority ?? 0
  const excess = ({ usedBytes, requestedBytes }: Candidate): number => usedBytes - requestedBytes
  return exceeds(a) - exceeds(b) || priority(a) - priority(b) || excess(b) - excess(a)
}
