import { timeText } from '../../machinery/time.ts'
import type { ContainerUsage, MachineDoors } from '../doors.ts'
import type { KubeletConfig } from '../kubelet-config.ts'
import type { PodManager } from '../pod-manager.ts'

export interface StatsInput {
  readonly nodeName: string
  readonly doors: MachineDoors
  readonly pods: PodManager
  readonly config: KubeletConfig
  readonly now: Date
}

/** `/stats/summary`: what the machine and each Pod on it uses. */
export async function statsSummary({ nodeName, doors, pods, config, now }: StatsInput): Promise<object> {
  const [usage, facts, load, disk, imageDisk] = await Promise.all([
    doors.runtime.usage(),
    doors.machine.facts(),
    doors.machine.load(),
    doors.disk.fileSystemUsage(config.rootDirectory),
    doors.runtime.imageFileSystem(),
  ])
  const time = timeText(now)
  const fileSystem = ({ availableBytes, capacityBytes, usedBytes, inodes, inodesFree }: typeof disk): object => ({
    time,
    availableBytes,
    capacityBytes,
    usedBytes,
    inodes,
    inodesFree,
    inodesUsed: inodes - inodesFree,
  })
  return {
    node: {
      nodeName,
      cpu: { time, usageCoreNanoSeconds: sumOf(usage, 'cpuNanosecondsTotal') },
      memory: {
        time,
        availableBytes: load.memoryAvailableBytes,
        workingSetBytes: facts.memoryBytes - load.memoryAvailableBytes,
      },
      fs: fileSystem(disk),
      runtime: { imageFs: fileSystem(imageDisk) },
      rlimit: { time, maxpid: load.pidsMax, curproc: load.pidsUsed },
    },
    pods: pods.workers.map(({ pod }) => podStats(pod.metadata, usage, pod.status.startTime)),
  }
}

function podStats(
  { name, namespace, uid }: { readonly name: string; readonly namespace: string; readonly uid: string },
  usage: readonly ContainerUsage[],
  startTime: string | undefined,
): object {
  const own = usage.filter(({ pod }) => pod.uid === uid)
  const time = own[0] && timeText(own[0].at)
  return {
    podRef: { name, namespace, uid },
    startTime,
    containers: own.map(containerStats),
    cpu: { time, usageCoreNanoSeconds: sumOf(own, 'cpuNanosecondsTotal') },
    memory: { time, workingSetBytes: sumOf(own, 'memoryWorkingSetBytes'), usageBytes: sumOf(own, 'memoryUsageBytes') },
    'ephemeral-storage': { time, usedBytes: sumOf(own, 'writableLayerBytes') },
  }
}

const containerStats = (usage: ContainerUsage): object => {
  const time = timeText(usage.at)
  return {
    name: usage.name,
    cpu: { time, usageCoreNanoSeconds: usage.cpuNanosecondsTotal },
    memory: { time, workingSetBytes: usage.memoryWorkingSetBytes, usageBytes: usage.memoryUsageBytes },
    rootfs: { time, usedBytes: usage.writableLayerBytes },
  }
}

type Counted = 'cpuNanosecondsTotal' | 'memoryWorkingSetBytes' | 'memoryUsageBytes' | 'writableLayerBytes'

const sumOf = (usage: readonly ContainerUsage[], field: Counted): number =>
  usage.reduce((sum, container) => sum + container[field], 0)

const NANO = 1e9

/** `/metrics/resource`, in the text format of Prometheus: what autoscalers and `kubectl top` live on. */
export async function resourceMetrics({ doors }: Pick<StatsInput, 'doors'>): Promise<string> {
  const [usage, facts, load] = await Promise.all([doors.runtime.usage(), doors.machine.facts(), doors.machine.load()])
  const lines = [
    '# TYPE node_cpu_usage_seconds_total counter',
    `node_cpu_usage_seconds_total ${sumOf(usage, 'cpuNanosecondsTotal') / NANO}`,
    '# TYPE node_memory_working_set_bytes gauge',
    `node_memory_working_set_bytes ${facts.memoryBytes - load.memoryAvailableBytes}`,
    '# TYPE container_cpu_usage_seconds_total counter',
    ...usage.map(
      one =>
        `container_cpu_usage_seconds_total{${labelsOf(one)}} ${one.cpuNanosecondsTotal / NANO} ${one.at.getTime()}`,
    ),
    '# TYPE container_memory_working_set_bytes gauge',
    ...usage.map(
      one => `container_memory_working_set_bytes{${labelsOf(one)}} ${one.memoryWorkingSetBytes} ${one.at.getTime()}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

const labelsOf = ({ name, pod }: ContainerUsage): string =>
  `container="${name}",namespace="${pod.namespace}",pod="${pod.name}"`
