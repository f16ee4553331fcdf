import { deepEqual } from 'fast-equals'
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../../api/core-v1/types.ts'
import { timeText } from '../../machinery/time.ts'
import { type ContainerStatusInput, containerStatusOf } from './container-status.ts'
import { phaseOf } from './pod-phase.ts'
import { containersOf, readySandboxOf } from './pod-view.ts'
import { qosClassOf } from './qos-class.ts'

export interface PodStatusInput extends ContainerStatusInput {
  readonly pod: Pod
  readonly now: Date
  readonly hostAddresses: readonly string[]
  /** The Pod is being ended or will never run: why. */
  readonly verdict?: {
    readonly reason?: string
    readonly message?: string
    readonly isFailed: boolean
    readonly isDisruption?: boolean
  }
  /** Every container has ended and stays so. */
  readonly isFinished: boolean
}

/** The whole status of a Pod as its kubelet sees it; conditions and fields of others are kept as they are. */
export function podStatusOf(input: PodStatusInput): PodStatus {
  const { pod, view, verdict, now } = input
  const statuses = containerStatusesOf(input)
  const phase = input.isFinished && verdict?.isFailed ? 'Failed' : phaseOf(pod, statuses.all, input)
  const addresses = pod.spec.hostNetwork ? input.hostAddresses.slice(0, 1) : (readySandboxOf(view)?.addresses ?? [])
  const keptAddresses = addresses.length > 0 ? addresses : (pod.status.podIPs ?? []).map(({ ip }) => ip)
  const { reason: _reason, message: _message, ...known } = pod.status
  return {
    ...known,
    phase,
    ...(verdict?.reason && { reason: verdict.reason }),
    ...(verdict?.message && { message: verdict.message }),
    conditions: conditionsOf(input, phase, statuses),
    ...(input.hostAddresses.length > 0 && {
      hostIP: input.hostAddresses[0]!,
      hostIPs: input.hostAddresses.map(ip => ({ ip })),
    }),
    ...(keptAddresses.length > 0 && { podIP: keptAddresses[0]!, podIPs: keptAddresses.map(ip => ({ ip })) }),
    startTime: pod.status.startTime ?? timeText(now),
    ...(statuses.init.length > 0 && { initContainerStatuses: statuses.init }),
    containerStatuses: statuses.main,
    ...(statuses.ephemeral.length > 0 && { ephemeralContainerStatuses: statuses.ephemeral }),
    qosClass: pod.status.qosClass ?? qosClassOf(pod),
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
  }
}

interface Statuses {
  readonly init: readonly ContainerStatus[]
  readonly main: readonly ContainerStatus[]
  readonly ephemeral: readonly ContainerStatus[]
  readonly all: ReadonlyMap<string, ContainerStatus>
}

function containerStatusesOf(input: PodStatusInput): Statuses {
  const all = new Map<string, ContainerStatus>()
  const grouped = { init: [] as ContainerStatus[], main: [] as ContainerStatus[], ephemeral: [] as ContainerStatus[] }
  for (const roled of containersOf(input.pod)) {
    const status = containerStatusOf(input, roled)
    all.set(roled.container.name, status)
    grouped[roled.role === 'sidecar' ? 'init' : roled.role].push(status)
  }
  return { ...grouped, all }
}

type Phase = NonNullable<PodStatus['phase']>

function conditionsOf(input: PodStatusInput, phase: Phase, statuses: Statuses): readonly PodCondition[] {
  const { pod, view, verdict } = input
  const isOver = phase === 'Succeeded' || phase === 'Failed'
  const made: Draft[] = [
    { type: 'PodReadyToStartContainers', status: !isOver && readySandboxOf(view) ? 'True' : 'False' },
    initialized(pod, statuses, phase),
    ...readiness(input, phase, statuses),
    { type: 'PodScheduled', status: 'True' },
    ...(verdict?.isDisruption
      ? [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'TerminationByKubelet',
            message: verdict.message ?? '',
          } as const,
        ]
      : []),
  ]
  const own = new Set(made.map(({ type }) => type))
  const others = (pod.status.conditions ?? []).filter(({ type }) => !own.has(type))
  return [...made.map(draft => stamped(draft, input)), ...others]
}

interface Draft {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason?: string
  readonly message?: string
}

/** The time of the last change of status is kept while the status is the same. */
function stamped(draft: Draft, { pod, now }: PodStatusInput): PodCondition {
  const known = pod.status.conditions?.find(({ type }) => type === draft.type)
  const lastTransitionTime = known?.status === draft.status ? known.lastTransitionTime : undefined
  const { generation } = pod.metadata
  return {
    ...draft,
    lastProbeTime: known?.lastProbeTime,
    lastTransitionTime: lastTransitionTime ?? timeText(now),
    ...(generation !== undefined && { observedGeneration: generation }),
  } as PodCondition
}

function initialized(pod: Pod, { all }: Statuses, phase: Phase): Draft {
  const type = 'Initialized'
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' }
  const incomplete = containersOf(pod).filter(({ role, container: { name } }) => {
    const status = all.get(name)!
    if (role === 'sidecar') return status.started !== true
    return role === 'init' && !status.ready
  })
  const startedMain = containersOf(pod).some(
    ({ role, container }) => role === 'main' && hasStarted(all.get(container.name)!),
  )
  if (incomplete.length === 0 || startedMain) return { type, status: 'True' }
  const names = incomplete.map(({ container }) => container.name).join(' ')
  return {
    type,
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${names}]`,
  }
}

const hasStarted = ({ state, lastState }: ContainerStatus): boolean =>
  Boolean(state?.running || state?.terminated || lastState?.terminated)

function readiness(input: PodStatusInput, phase: Phase, { all }: Statuses): Draft[] {
  const { pod } = input
  const both = (draft: Omit<Draft, 'type'>): Draft[] => [
    { type: 'Ready', ...draft },
    { type: 'ContainersReady', ...draft },
  ]
  if (phase === 'Succeeded') return both({ status: 'False', reason: 'PodCompleted' })
  if (phase === 'Failed') return both({ status: 'False', reason: 'PodFailed' })
  const unready = containersOf(pod)
    .filter(({ role, container }) => (role === 'main' || role === 'sidecar') && !all.get(container.name)!.ready)
    .map(({ container }) => container.name)
  if (unready.length > 0) {
    const message = `containers with unready status: [${unready.join(' ')}]`
    return both({ status: 'False', reason: 'ContainersNotReady', message })
  }
  return [readyByGates(pod), { type: 'ContainersReady', status: 'True' }]
}

/** Conditions that others must set before a Pod counts as ready (KEP-580). */
function readyByGates(pod: Pod): Draft {
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status.conditions?.find(({ type }) => type === conditionType)
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    return condition.status === 'True'
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`]
  })
  if (problems.length === 0) return { type: 'Ready', status: 'True' }
  const message = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message }
}

/** As JSON, which knows nothing of undefined. Mostly they are the same to the letter. */
export function isSameStatus(a: PodStatus, b: PodStatus): boolean {
  const [first, second] = [JSON.stringify(a), JSON.stringify(b)]
  return first === second || deepEqual(JSON.parse(first), JSON.parse(second))
}
