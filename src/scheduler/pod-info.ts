import { deepEqual } from 'fast-equals'
import type { Container, Pod, PodSpec } from '../api/core-v1/types.ts'
import { keyOf, keyText } from '../machinery/object.ts'
import { countedAmount, effectiveRequestsOf, type ResourceAmounts } from '../machinery/pod-resources.ts'
import { claimNamesOf } from '../machinery/volume-binding.ts'
import { type AffinityTerms, affinityTermsOf } from './affinity-term.ts'

/** Amounts as machines are compared: CPU in thousandths, the rest in whole units. */
export interface Resources {
  readonly milliCpu: number
  readonly memory: number
  readonly ephemeralStorage: number
  /** Extended resources, huge pages. Without those of amount 0. */
  readonly scalars: ReadonlyMap<string, number>
}

export interface HostPort {
  readonly protocol: string
  readonly ip: string
  readonly port: number
}

/** A Pod with all that scheduling asks of it, worked out once. */
export interface PodInfo {
  readonly pod: Pod
  readonly uid: string
  /** `namespace/name`. */
  readonly key: string
  readonly namespace: string
  readonly priority: number
  readonly requests: Resources
  /** For scoring: a container that asks for nothing counts as a small one, so that such Pods spread too. */
  readonly likelyUse: { readonly milliCpu: number; readonly memory: number }
  readonly hostPorts: readonly HostPort[]
  readonly claimNames: readonly string[]
  readonly affinity: AffinityTerms
}

/** What a container that asks for no CPU or memory is taken to use when machines are scored, as upstream has it. */
const LIKELY_MILLI_CPU = 100
const LIKELY_MEMORY_BYTES = 200 * 1024 * 1024

export function podInfoOf(pod: Pod): PodInfo {
  const requests = resourcesOf(effectiveRequestsOf(pod))
  return {
    pod,
    uid: pod.metadata.uid,
    key: keyText(keyOf(pod)),
    namespace: pod.metadata.namespace,
    priority: pod.spec.priority ?? 0,
    requests,
    likelyUse: likelyUseOf(pod, requests),
    hostPorts: hostPortsOf(pod.spec),
    claimNames: claimNamesOf(pod),
    affinity: affinityTermsOf(pod),
  }
}

/** Whether two versions of a Pod mean the same to the scheduler, status aside. */
export const isSameToScheduling = (a: Pod, b: Pod): boolean =>
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
  deepEqual(a.metadata.labels, b.metadata.labels) &&
  deepEqual(a.spec, b.spec) &&
  deepEqual(heldResources(a), heldResources(b))

const heldResources = ({ status }: Pod): unknown =>
  [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map(
    ({ allocatedResources, resources }) => [allocatedResources, resources?.requests],
  )

export function resourcesOf(amounts: ResourceAmounts): Resources {
  const scalars = new Map<string, number>()
  let [milliCpu, memory, ephemeralStorage] = [0, 0, 0]
  for (const [name, nano] of amounts) {
    const amount = countedAmount(name, nano)
    if (name === 'cpu') milliCpu = amount
    else if (name === 'memory') memory = amount
    else if (name === 'ephemeral-storage') ephemeralStorage = amount
    else if (amount > 0 && name !== 'pods') scalars.set(name, amount)
  }
  return { milliCpu, memory, ephemeralStorage, scalars }
}

function likelyUseOf({ spec, status }: Pod, requests: Resources): PodInfo['likelyUse'] {
  const all = [...spec.containers, ...(spec.initContainers ?? [])]
  if (all.every(asksForBoth)) return { milliCpu: requests.milliCpu, memory: requests.memory }
  const { milliCpu, memory } = resourcesOf(
    effectiveRequestsOf({
      spec: {
        ...spec,
        containers: spec.containers.map(withLikelyRequests),
        ...(spec.initContainers && { initContainers: spec.initContainers.map(withLikelyRequests) }),
      },
      ...(status && { status }),
    }),
  )
  return { milliCpu, memory }
}

const asksForBoth = ({ resources }: Container): boolean =>
  resources?.requests?.cpu !== undefined && resources.requests.memory !== undefined

const withLikelyRequests = (container: Container): Container => ({
  ...container,
  resources: {
    requests: { cpu: `${LIKELY_MILLI_CPU}m`, memory: LIKELY_MEMORY_BYTES, ...container.resources?.requests },
  },
})

function hostPortsOf({ containers, initContainers = [] }: PodSpec): readonly HostPort[] {
  const ports: HostPort[] = []
  const sidecars = initContainers.filter(container => container.restartPolicy === 'Always')
  for (const { ports: declared = [] } of [...containers, ...sidecars]) {
    for (const { hostPort, hostIP, protocol = 'TCP' } of declared) {
      if (hostPort) ports.push({ protocol, ip: hostIP || '0.0.0.0', port: hostPort })
    }
  }
  return ports
}
