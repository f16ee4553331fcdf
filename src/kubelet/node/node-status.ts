import type { ContainerImage, Node, NodeAddress, NodeCondition, NodeStatus } from '../../api/core-v1/types.ts'
import { parseQuantity, quantityText, sumOfQuantities, unitsOf } from '../../machinery/quantity.ts'
import { timeText } from '../../machinery/time.ts'
import type { FileSystemUsage, Image, MachineFacts } from '../doors.ts'
import type { KubeletConfig } from '../kubelet-config.ts'

/** Below these the machine is under pressure and Pods are evicted (upstream's hard thresholds). */
export const MEMORY_AVAILABLE_BYTES_MIN = 100 * 1024 * 1024
export const DISK_AVAILABLE_SHARE_MIN = 0.1
export const INODES_FREE_SHARE_MIN = 0.05
const PIDS_FREE_SHARE_MIN = 0.05
const IMAGES_SHOWN_MAX = 50

export interface Pressure {
  readonly memory: boolean
  readonly disk: boolean
  readonly pids: boolean
}

export interface NodeStatusInput {
  readonly facts: MachineFacts
  readonly config: KubeletConfig
  readonly runtime: { readonly name: string; readonly version: string }
  /** Why Pods cannot run; absent when they can. */
  readonly problem?: string
  readonly pressure: Pressure
  readonly disk: FileSystemUsage
  readonly images: readonly Image[]
  readonly now: Date
  /** What the API has now: times of conditions that stay the same are kept, and what others wrote. */
  readonly known?: NodeStatus
}

export function nodeStatusOf(input: NodeStatusInput): NodeStatus {
  const { facts, config, runtime } = input
  const { capacity, allocatable } = resourcesOf(input)
  return {
    ...input.known,
    capacity,
    allocatable,
    conditions: conditionsOf(input),
    addresses: addressesOf(facts, config),
    daemonEndpoints: { kubeletEndpoint: { Port: config.endpointPort } },
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootId,
      containerRuntimeVersion: `${runtime.name}://${runtime.version}`,
      kernelVersion: facts.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion: config.kubeletVersion,
      machineID: facts.machineId,
      operatingSystem: facts.operatingSystem,
      osImage: facts.osImage,
      systemUUID: facts.systemUuid,
    },
    images: imagesOf(input.images),
  }
}

export const hostAddressesOf = (facts: MachineFacts, { addresses }: KubeletConfig): readonly string[] =>
  addresses ?? facts.addresses

function addressesOf(facts: MachineFacts, config: KubeletConfig): readonly NodeAddress[] {
  const internal = hostAddressesOf(facts, config).map(address => ({ type: 'InternalIP', address }))
  return [...internal, { type: 'Hostname', address: facts.hostname }]
}

/** What the machine has, and what of it Pods may ask for. */
export function resourcesOf({ facts, config, disk }: Pick<NodeStatusInput, 'facts' | 'config' | 'disk'>): {
  capacity: Readonly<Record<string, string>>
  allocatable: Readonly<Record<string, string>>
} {
  const capacity = {
    cpu: String(facts.cpuCount),
    memory: kibiText(facts.memoryBytes),
    'ephemeral-storage': kibiText(disk.capacityBytes),
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    pods: String(config.podsMax),
  }
  const reserved = config.systemReserved
  const memory = Math.max(0, facts.memoryBytes - MEMORY_AVAILABLE_BYTES_MIN - unitsOf(reserved.memory ?? 0))
  const storage =
    Math.floor(disk.capacityBytes * (1 - DISK_AVAILABLE_SHARE_MIN)) - unitsOf(reserved['ephemeral-storage'] ?? 0)
  const allocatable = {
    ...capacity,
    cpu: reserved.cpu ? sumOfQuantities([capacity.cpu, `-${reserved.cpu}`]) : capacity.cpu,
    memory: kibiText(memory),
    'ephemeral-storage': String(Math.max(0, storage)),
  }
  return { capacity, allocatable }
}

const kibiText = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`

interface Draft {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

function conditionsOf({ pressure, problem, known, now }: NodeStatusInput): readonly NodeCondition[] {
  const drafts: Draft[] = [
    pressure.memory
      ? {
          type: 'MemoryPressure',
          status: 'True',
          reason: 'KubeletHasInsufficientMemory',
          message: 'kubelet has insufficient memory available',
        }
      : {
          type: 'MemoryPressure',
          status: 'False',
          reason: 'KubeletHasSufficientMemory',
          message: 'kubelet has sufficient memory available',
        },
    pressure.disk
      ? { type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' }
      : {
          type: 'DiskPressure',
          status: 'False',
          reason: 'KubeletHasNoDiskPressure',
          message: 'kubelet has no disk pressure',
        },
    pressure.pids
      ? {
          type: 'PIDPressure',
          status: 'True',
          reason: 'KubeletHasInsufficientPID',
          message: 'kubelet has insufficient PID available',
        }
      : {
          type: 'PIDPressure',
          status: 'False',
          reason: 'KubeletHasSufficientPID',
          message: 'kubelet has sufficient PID available',
        },
    problem
      ? { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problem }
      : { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
  ]
  const own = new Set(drafts.map(({ type }) => type))
  const others = (known?.conditions ?? []).filter(({ type }) => !own.has(type))
  return [...others, ...drafts.map(draft => stamped(draft, known, now))]
}

function stamped(draft: Draft, known: NodeStatus | undefined, now: Date): NodeCondition {
  const before = known?.conditions?.find(({ type }) => type === draft.type)
  const isSame = before?.status === draft.status && before.lastTransitionTime
  return {
    ...draft,
    lastHeartbeatTime: timeText(now),
    lastTransitionTime: isSame ? before.lastTransitionTime! : timeText(now),
  }
}

/** The largest images, each by its digests and tags. */
const imagesOf = (images: readonly Image[]): readonly ContainerImage[] =>
  images
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, IMAGES_SHOWN_MAX)
    .map(({ digests, tags, sizeBytes }) => ({ names: [...digests, ...tags], sizeBytes }))

export const pidsAreShort = ({ pidsMax, pidsUsed }: { pidsMax: number; pidsUsed: number }): boolean =>
  pidsUsed > pidsMax * (1 - PIDS_FREE_SHARE_MIN)

/** The same but for the times of heartbeats, which alone are not worth a write. */
export const isSameNodeStatus = (a: NodeStatus, b: NodeStatus): boolean => comparable(a) === comparable(b)

const comparable = ({ conditions = [], capacity, allocatable, ...rest }: NodeStatus): string =>
  JSON.stringify({
    ...sorted(rest),
    capacity: canonical(capacity),
    allocatable: canonical(allocatable),
    conditions: conditions.map(({ lastHeartbeatTime: _, ...condition }) => sorted(condition)),
  })

/** The server writes quantities in their shortest form. */
const canonical = (quantities: NodeStatus['capacity'] = {}): object =>
  sorted(
    Object.fromEntries(Object.entries(quantities).map(([name, text]) => [name, quantityText(parseQuantity(text))])),
  )

/** By name, and without empty lists: the server does not keep those. */
const sorted = (value: object): object =>
  Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => !(Array.isArray(entry) && entry.length === 0))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )

/** A Node as its kubelet registers it. */
export function newNodeOf(
  nodeName: string,
  facts: MachineFacts,
  config: KubeletConfig,
): Pick<Node, 'metadata' | 'spec'> {
  const labels = {
    'beta.kubernetes.io/arch': facts.architecture,
    'beta.kubernetes.io/os': facts.operatingSystem,
    'kubernetes.io/arch': facts.architecture,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': facts.operatingSystem,
    ...config.labels,
  }
  const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }
  const metadata = { name: nodeName, labels, annotations } as unknown as Node['metadata'] // The server adds the rest.
  return {
    metadata,
    spec: config.taints.length > 0 ? { taints: config.taints as Node['spec']['taints'] & object } : {},
  }
}
