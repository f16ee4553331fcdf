import type { Container, Pod } from '../../api/core-v1/types.ts'
import { milliUnitsOf, unitsOf } from '../../machinery/quantity.ts'
import type { ContainerResources, PodCgroupResources } from '../doors.ts'
import { qosClassOf } from './qos-class.ts'

const CPU_SHARES_MIN = 2
const CPU_PERIOD_US = 100_000
const CPU_QUOTA_US_MIN = 1000

const cpuSharesOf = (milliCpu: number): number => Math.max(CPU_SHARES_MIN, Math.floor((milliCpu * 1024) / 1000))
const cpuQuotaOf = (milliCpu: number): number =>
  Math.max(CPU_QUOTA_US_MIN, Math.floor((milliCpu * CPU_PERIOD_US) / 1000))

/** What a container gets in its cgroup, and how early the kernel may kill it when memory runs out. */
export function containerResourcesOf(
  pod: Pod,
  { resources }: Container,
  machineMemoryBytes: number,
): ContainerResources {
  const limits = resources?.limits ?? {}
  const requests = { ...limits, ...resources?.requests }
  return {
    cpuShares: cpuSharesOf(milliUnitsOf(requests.cpu ?? 0)),
    ...(limits.cpu !== undefined && { cpuQuota: cpuQuotaOf(milliUnitsOf(limits.cpu)) }),
    ...(limits.memory !== undefined && { memoryLimitBytes: unitsOf(limits.memory) }),
    oomScoreAdj: oomScoreAdjOf(pod, unitsOf(requests.memory ?? 0), machineMemoryBytes),
  }
}

/** Guaranteed Pods go last, BestEffort first, Burstable by how much of what they use they have asked for. */
function oomScoreAdjOf(pod: Pod, requestedBytes: number, machineBytes: number): number {
  if ((pod.spec.priority ?? 0) >= 2_000_000_000) return -997
  const qosClass = qosClassOf(pod)
  if (qosClass === 'Guaranteed') return -997
  if (qosClass === 'BestEffort') return 1000
  const score = Math.floor(1000 - (1000 * requestedBytes) / machineBytes)
  return Math.min(999, Math.max(3, score))
}

/** Limits of the whole Pod: the sum over its containers, or what `spec.resources` says. */
export function podCgroupResourcesOf(pod: Pod): PodCgroupResources {
  const { containers, initContainers = [], resources } = pod.spec
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const longLived = [...containers, ...sidecars]
  const sum = (
    name: 'cpu' | 'memory',
    of: (quantity: string | number) => number,
    kind: 'requests' | 'limits',
  ): number =>
    longLived.reduce((total, { resources: own }) => {
      const quantity = own?.[kind]?.[name] ?? (kind === 'requests' ? own?.limits?.[name] : undefined)
      return total + of(quantity ?? 0)
    }, 0)
  const most = (name: 'cpu' | 'memory', of: (quantity: string | number) => number): number =>
    Math.max(0, ...initContainers.map(({ resources: own }) => of(own?.limits?.[name] ?? 0)))
  const isLimited = (name: 'cpu' | 'memory'): boolean =>
    [...longLived, ...initContainers].every(({ resources: own }) => own?.limits?.[name] !== undefined)
  const cpuRequest = resources?.requests?.cpu
  const cpuLimit = resources?.limits?.cpu
  const memoryLimit = resources?.limits?.memory
  const cpuMilli =
    cpuLimit !== undefined
      ? milliUnitsOf(cpuLimit)
      : Math.max(sum('cpu', milliUnitsOf, 'limits'), most('cpu', milliUnitsOf))
  const memoryBytes =
    memoryLimit !== undefined
      ? unitsOf(memoryLimit)
      : Math.max(sum('memory', unitsOf, 'limits'), most('memory', unitsOf))
  return {
    qosClass: qosClassOf(pod),
    cpuShares: cpuSharesOf(cpuRequest !== undefined ? milliUnitsOf(cpuRequest) : sum('cpu', milliUnitsOf, 'requests')),
    ...((cpuLimit !== undefined || isLimited('cpu')) && { cpuQuota: cpuQuotaOf(cpuMilli) }),
    ...((memoryLimit !== undefined || isLimited('memory')) && { memoryLimitBytes: memoryBytes }),
  }
}
