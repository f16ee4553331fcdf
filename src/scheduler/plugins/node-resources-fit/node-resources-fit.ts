import type { NodeInfo } from '../../node-info.ts'
import type { Plugin } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'

const TOO_MANY_PODS = ['Too many pods']

/** Never promises more of a machine than it has, and likes machines with much left ("LeastAllocated"). */
export const nodeResourcesFit: Plugin = {
  name: 'NodeResourcesFit',
  filterFor: pod => ({
    kind: 'where',
    refusalOf: node => (fits(pod, node) ? undefined : shortagesOf(pod, node)),
  }),
  scorerFor: pod => ({ scoreOf: node => freeShare(pod, node) }),
  helpedBy: {
    nodeChanged: (pod, { node }) => fits(pod, node),
    podChanged: (pod, { node }) => fits(pod, node), // It may have become smaller.
    podRemoved: (pod, { node }) => fits(pod, node),
  },
}

/** The common question, asked of thousands of machines: without making anything. */
function fits({ requests }: PodInfo, { allocatable, requested, pods, podsMax }: NodeInfo): boolean {
  if (pods.size >= podsMax) return false
  if (requests.milliCpu > 0 && requests.milliCpu > allocatable.milliCpu - requested.milliCpu) return false
  if (requests.memory > 0 && requests.memory > allocatable.memory - requested.memory) return false
  if (
    requests.ephemeralStorage > 0 &&
    requests.ephemeralStorage > allocatable.ephemeralStorage - requested.ephemeralStorage
  ) {
    return false
  }
  for (const [name, amount] of requests.scalars) {
    if (amount > (allocatable.scalars.get(name) ?? 0) - (requested.scalars.get(name) ?? 0)) return false
  }
  return true
}

function shortagesOf({ requests }: PodInfo, { allocatable, requested, pods, podsMax }: NodeInfo): readonly string[] {
  const shortages = pods.size >= podsMax ? [...TOO_MANY_PODS] : []
  const check = (name: string, { wants, has, used }: { wants: number; has: number; used: number }): void => {
    if (wants > 0 && wants > has - used) shortages.push(`Insufficient ${name}`)
  }
  check('cpu', { wants: requests.milliCpu, has: allocatable.milliCpu, used: requested.milliCpu })
  check('memory', { wants: requests.memory, has: allocatable.memory, used: requested.memory })
  check('ephemeral-storage', {
    wants: requests.ephemeralStorage,
    has: allocatable.ephemeralStorage,
    used: requested.ephemeralStorage,
  })
  for (const [name, wants] of requests.scalars) {
    check(name, { wants, has: allocatable.scalars.get(name) ?? 0, used: requested.scalars.get(name) ?? 0 })
  }
  return shortages
}

/** Mean of what would be left of CPU and memory, in per cent. */
function freeShare(pod: PodInfo, { allocatable, likelyUse }: NodeInfo): number {
  const cpu = freePercent(allocatable.milliCpu, likelyUse.milliCpu + pod.likelyUse.milliCpu)
  const memory = freePercent(allocatable.memory, likelyUse.memory + pod.likelyUse.memory)
  const counted = Number(allocatable.milliCpu > 0) + Number(allocatable.memory > 0)
  return counted === 0 ? 0 : Math.floor((cpu + memory) / counted)
}

const freePercent = (capacity: number, used: number): number =>
  capacity === 0 || used > capacity ? 0 : Math.floor(((capacity - used) * 100) / capacity)
