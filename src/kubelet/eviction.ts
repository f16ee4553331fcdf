import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import { quantityText, unitsOf } from '../machinery/quantity.ts'
import type { ContainerUsage, FileSystemUsage, MachineDoors } from './doors.ts'
import { removeUnusedImages } from './images/image-gc.ts'
import type { KubeletConfig } from './kubelet-config.ts'
import {
  DISK_AVAILABLE_SHARE_MIN,
  INODES_FREE_SHARE_MIN,
  MEMORY_AVAILABLE_BYTES_MIN,
  type Pressure,
  pidsAreShort,
} from './node/node-status.ts'
import { isCritical } from './pod/pod-view.ts'
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
      const found = await measured(options)
      options.pressure.current = held(found.pressure, lastSeenMs, clock.monotonicMs())
      await evictGreedy(options)
      await relieve(options, found)
    } catch (error) {
      logger.warn({ error }, 'could not look at the load of the machine')
    }
  }
}

/** What is short, by how much it should be there and how much is. */
interface Shortage {
  readonly resource: 'memory' | 'ephemeral-storage'
  readonly thresholdBytes: number
  readonly availableBytes: number
}

interface Measured {
  readonly pressure: Pressure
  readonly shortage?: Shortage
}

async function measured({ doors, config }: EvictionOptions): Promise<Measured> {
  const [load, disk] = await Promise.all([doors.machine.load(), doors.disk.fileSystemUsage(config.rootDirectory)])
  const hasNoInodes = disk.inodes > 0 && disk.inodesFree < disk.inodes * INODES_FREE_SHARE_MIN
  const pressure = {
    memory: load.memoryAvailableBytes < MEMORY_AVAILABLE_BYTES_MIN,
    disk: disk.availableBytes < thresholdOf(disk) || hasNoInodes,
    pids: pidsAreShort(load),
  }
  const { memoryAvailableBytes: availableBytes } = load
  if (pressure.memory) {
    return { pressure, shortage: { resource: 'memory', thresholdBytes: MEMORY_AVAILABLE_BYTES_MIN, availableBytes } }
  }
  return pressure.disk ? { pressure, shortage: shortageOf(disk) } : { pressure }
}

const thresholdOf = ({ capacityBytes }: FileSystemUsage): number => Math.floor(capacityBytes * DISK_AVAILABLE_SHARE_MIN)

const shortageOf = (disk: FileSystemUsage): Shortage => ({
  resource: 'ephemeral-storage',
  thresholdBytes: thresholdOf(disk),
  availableBytes: disk.availableBytes,
})

/** First what nobody misses; a Pod only when that was not enough. */
async function relieve(options: EvictionOptions, { shortage }: Measured): Promise<void> {
  if (!shortage) return
  if (shortage.resource === 'ephemeral-storage' && (await sharesDiskWithImages(options))) {
    await removeUnusedImages({ doors: options.doors, imagesInUse: () => options.pods.imagesInUse() })
    const { shortage: still } = await measured(options)
    if (still) await evictOne(options, still)
  } else await evictOne(options, shortage)
}

async function sharesDiskWithImages({ doors, config }: EvictionOptions): Promise<boolean> {
  const [own, images] = await Promise.all([
    doors.disk.fileSystemUsage(config.rootDirectory),
    doors.runtime.imageFileSystem(),
  ])
  return own.capacityBytes === images.capacityBytes && own.inodes === images.inodes
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
  /** Upstream's sentence on each container that uses more than it asked for. */
  readonly blame: string
}

async function evictOne(options: EvictionOptions, shortage: Shortage): Promise<void> {
  const { doors, pods, logger } = options
  const { resource, thresholdBytes, availableBytes } = shortage
  const usage = await doors.runtime.usage()
  const candidates = pods.workers
    .filter(worker => !worker.isTerminating && !isCritical(worker.pod))
    .map(worker => candidateOf(options, { worker, resource, usage }))
  const [victim] = (await Promise.all(candidates)).sort(byEviction)
  if (!victim) return
  const threshold = `Threshold quantity: ${bytesText(thresholdBytes)}, available: ${bytesText(availableBytes)}. `
  const message = `The node was low on resource: ${resource}. ${threshold}${victim.blame}`
  logger.warn({ pod: victim.worker.pod.metadata.name, resource }, 'evicting a pod')
  // A hard threshold leaves no time to end well.
  victim.worker.terminate({ reason: 'Evicted', message, isFailed: true, isDisruption: true, graceMs: 0 })
}

async function candidateOf(
  { doors, config }: EvictionOptions,
  { worker, resource, usage }: { worker: PodWorker; resource: Shortage['resource']; usage: readonly ContainerUsage[] },
): Promise<Candidate> {
  const { metadata, spec } = worker.pod
  const own = spec.containers.map(({ name, resources }) => {
    const used = usage.find(({ pod, name: of }) => pod.uid === metadata.uid && of === name)
    const usedBytes = (resource === 'memory' ? used?.memoryWorkingSetBytes : used?.writableLayerBytes) ?? 0
    return { name, usedBytes, requestedBytes: unitsOf(resources?.requests?.[resource] ?? 0) }
  })
  const sum = (of: 'usedBytes' | 'requestedBytes'): number => own.reduce((total, one) => total + one[of], 0)
  const directory = `${config.rootDirectory}/pods/${metadata.uid}`
  const onVolumes = resource === 'memory' ? 0 : (await doors.disk.usage(directory)).bytes
  const blame = own
    .filter(({ usedBytes, requestedBytes }) => usedBytes > requestedBytes)
    .map(({ name, usedBytes, requestedBytes }) => {
      const amounts = `was using ${bytesText(usedBytes)}, request is ${bytesText(requestedBytes)}`
      return `Container ${name} ${amounts}, has larger consumption of ${resource}. `
    })
  return {
    worker,
    usedBytes: sum('usedBytes') + onVolumes,
    requestedBytes: sum('requestedBytes'),
    blame: blame.join(''),
  }
}

const NANO_PER_UNIT = 1_000_000_000n

const bytesText = (bytes: number): string =>
  quantityText({ nano: BigInt(Math.round(bytes)) * NANO_PER_UNIT, format: 'BinarySI' })

/** Who uses more than asked for goes first, then the less important, then who exceeds its request most. */
function byEviction(a: Candidate, b: Candidate): number {
  const exceeds = ({ usedBytes, requestedBytes }: Candidate): number => (usedBytes > requestedBytes ? 0 : 1)
  const priority = ({ worker }: Candidate): number => worker.pod.spec.priority ?? 0
  const excess = ({ usedBytes, requestedBytes }: Candidate): number => usedBytes - requestedBytes
  return exceeds(a) - exceeds(b) || priority(a) - priority(b) || excess(b) - excess(a)
}
