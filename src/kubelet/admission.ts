import type { Node, Pod } from '../api/core-v1/types.ts'
import { milliUnitsOf, unitsOf } from '../machinery/quantity.ts'
import type { Pressure } from './node/node-status.ts'
import { portMappingsOf } from './pod/pod-network.ts'
import { containersOf, isCritical } from './pod/pod-view.ts'
import { qosClassOf } from './pod/qos-class.ts'

export interface Rejection {
  readonly reason: string
  readonly message: string
}

export interface AdmissionInput {
  readonly pod: Pod
  /** Pods that run here and have not ended. */
  readonly others: readonly Pod[]
  readonly allocatable: Readonly<Record<string, string | number>>
  readonly node: Node | undefined
  readonly pressure: Pressure
  readonly isShuttingDown: boolean
}

/**
 * Whether the machine can take a Pod that was assigned to it. The scheduler has decided on older news, and Pods may name
 * their machine themselves.
 */
export function rejectionOf(input: AdmissionInput): Rejection | undefined {
  return shuttingDown(input) ?? wrongMachine(input) ?? portsTaken(input) ?? shortOf(input) ?? underPressure(input)
}

const shuttingDown = ({ isShuttingDown }: AdmissionInput): Rejection | undefined =>
  isShuttingDown ? { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' } : undefined

function wrongMachine({ pod, node }: AdmissionInput): Rejection | undefined {
  const labels = node?.metadata.labels ?? {}
  const { nodeSelector = {}, os } = pod.spec
  if (os && os.name !== 'linux') {
    return { reason: 'PodOSNotSupported', message: `Failed to admit pod as the OS field doesn't match node OS` }
  }
  if (!node) return undefined
  const misses = Object.entries(nodeSelector).some(([key, value]) => labels[key] !== value)
  return misses
    ? {
        reason: 'NodeAffinity',
        message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
      }
    : undefined
}

function portsTaken({ pod, others }: AdmissionInput): Rejection | undefined {
  const taken = new Set(others.flatMap(hostPortsOf))
  const isTaken = hostPortsOf(pod).some(port => taken.has(port))
  return isTaken
    ? {
        reason: 'NodePorts',
        message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
      }
    : undefined
}

function hostPortsOf(pod: Pod): readonly string[] {
  const mapped = portMappingsOf(pod).map(({ protocol, hostIp, hostPort }) => `${protocol} ${hostIp} ${hostPort}`)
  if (!pod.spec.hostNetwork) return mapped
  return containersOf(pod).flatMap(({ container }) =>
    (container.ports ?? []).map(
      ({ protocol = 'TCP', hostIP = '', containerPort }) => `${protocol} ${hostIP} ${containerPort}`,
    ),
  )
}

function shortOf({ pod, others, allocatable }: AdmissionInput): Rejection | undefined {
  const podsMax = Number(allocatable.pods ?? Number.POSITIVE_INFINITY)
  if (others.length + 1 > podsMax) {
    return {
      reason: 'OutOfpods',
      message: `Node didn't have enough resource: pods, requested: 1, used: ${others.length}, capacity: ${podsMax}`,
    }
  }
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const inUnits = name === 'cpu' ? milliUnitsOf : unitsOf
    const requested = requestOf(pod, name, inUnits)
    const used = others.reduce((sum, other) => sum + requestOf(other, name, inUnits), 0)
    const capacity = inUnits(allocatable[name] ?? 0)
    if (requested === 0 || used + requested <= capacity) continue
    const message = `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`
    return { reason: `OutOf${name}`, message }
  }
  return undefined
}

type InUnits = (quantity: string | number) => number

/** What counts of a Pod: its long-lived containers together, or the largest moment while it starts (KEP-753). */
function requestOf({ spec }: Pod, name: string, inUnits: InUnits): number {
  const of = (resources?: { readonly requests?: Readonly<Record<string, string | number>> }): number =>
    inUnits(resources?.requests?.[name] ?? 0)
  const main = spec.containers.reduce((sum, { resources }) => sum + of(resources), 0)
  let sidecars = 0
  let peak = 0
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    if (restartPolicy === 'Always') sidecars += of(resources)
    peak = Math.max(peak, restartPolicy === 'Always' ? sidecars : sidecars + of(resources))
  }
  const own = spec.resources?.requests?.[name]
  const sum = own === undefined ? Math.max(main + sidecars, peak) : inUnits(own)
  return sum + inUnits(spec.overhead?.[name] ?? 0)
}

/** A machine short of memory takes Pods that asked for some; one short of anything else takes none but critical ones. */
function underPressure({ pod, pressure }: AdmissionInput): Rejection | undefined {
  const conditions = [
    ...(pressure.memory ? ['MemoryPressure'] : []),
    ...(pressure.disk ? ['DiskPressure'] : []),
    ...(pressure.pids ? ['PIDPressure'] : []),
  ]
  if (conditions.length === 0 || isCritical(pod)) return undefined
  const isMemoryOnly = conditions.length === 1 && pressure.memory
  if (isMemoryOnly && (qosClassOf(pod) !== 'BestEffort' || toleratesMemoryPressure(pod))) return undefined
  return { reason: 'Evicted', message: `The node had condition: [${conditions.join(' ')}]. ` }
}

const toleratesMemoryPressure = ({ spec }: Pod): boolean =>
  (spec.tolerations ?? []).some(
    ({ key, effect }) => (!key || key === 'node.kubernetes.io/memory-pressure') && (!effect || effect === 'NoSchedule'),
  )
