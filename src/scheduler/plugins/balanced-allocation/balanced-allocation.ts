import type { NodeInfo } from '../../node-info.ts'
import type { Plugin } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'

/** Likes machines whose CPU and memory would be used up evenly, so that neither is left over without the other. */
export const balancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  scorerFor: pod =>
    pod.requests.milliCpu === 0 && pod.requests.memory === 0
      ? undefined // It changes no machine's balance.
      : { scoreOf: node => balance(pod, node) },
}

function balance({ requests }: PodInfo, { allocatable, requested }: NodeInfo): number {
  if (allocatable.milliCpu === 0 || allocatable.memory === 0) return 100
  const cpu = Math.min(1, (requested.milliCpu + requests.milliCpu) / allocatable.milliCpu)
  const memory = Math.min(1, (requested.memory + requests.memory) / allocatable.memory)
  return Math.floor((1 - Math.abs(cpu - memory) / 2) * 100)
}
