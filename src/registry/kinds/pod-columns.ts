import type { ContainerState, ContainerStatus, Pod } from '../../api/core-v1/types.ts'
import { isSidecar } from '../../machinery/pod-resources.ts'
import { isPodReady, podConditionOf } from '../../machinery/pod-state.ts'
import { elapsedText } from '../tables/age.ts'
import { age, text, wide } from '../tables/columns.ts'
import type { TableColumn } from '../tables/table-column.ts'

export const podColumns: readonly TableColumn<Pod>[] = [
  { ...text<Pod>('Ready', readyText), description: 'The aggregate readiness state of this pod for accepting traffic.' },
  { ...text<Pod>('Status', statusText), description: 'The aggregate status of the containers in this pod.' },
  { ...text<Pod>('Restarts', restartsText) },
  age,
  wide(text('IP', ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || '<none>')),
  wide(text('Node', ({ spec }) => spec.nodeName || '<none>')),
  wide(text('Nominated Node', ({ status }) => status?.nominatedNodeName || '<none>')),
  wide(text('Readiness Gates', readinessGatesText)),
]

const sidecarNames = ({ spec }: Pod): ReadonlySet<string> =>
  new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name))

function readyText(pod: Pod): string {
  const sidecars = sidecarNames(pod)
  const ready =
    (pod.status?.containerStatuses ?? []).filter(({ ready, state }) => ready && state?.running).length +
    (pod.status?.initContainerStatuses ?? []).filter(
      ({ name, started, ready }) => sidecars.has(name) && started && ready,
    ).length
  return `${ready}/${pod.spec.containers.length + sidecars.size}`
}

/** What the Pod is doing, in one word; later rules win over earlier ones. */
function statusText(pod: Pod): string {
  const { status, metadata } = pod
  let reason = status?.reason || status?.phase || ''
  if (podConditionOf(pod, 'PodScheduled')?.reason === 'SchedulingGated') reason = 'SchedulingGated'
  const initialising = initReason(pod)
  if (initialising !== undefined) reason = initialising
  if (initialising === undefined || isInitialised(pod)) reason = containersReason(pod, reason)
  if (!metadata.deletionTimestamp) return reason
  if (status?.reason === 'NodeLost') return 'Unknown'
  return status?.phase === 'Failed' || status?.phase === 'Succeeded' ? reason : 'Terminating'
}

const isInitialised = (pod: Pod): boolean => podConditionOf(pod, 'Initialized')?.status === 'True'

/** Of the first init container that is not done. */
function initReason(pod: Pod): string | undefined {
  const sidecars = sidecarNames(pod)
  const statuses = pod.status?.initContainerStatuses ?? []
  const isDone = ({ name, state, started }: ContainerStatus): boolean =>
    state?.terminated?.exitCode === 0 || (sidecars.has(name) && started === true)
  const index = statuses.findIndex(status => !isDone(status))
  if (index < 0) return undefined
  const { state } = statuses[index]!
  const ended = endText(state)
  if (ended !== undefined) return `Init:${ended}`
  const waiting = state?.waiting?.reason
  if (waiting && waiting !== 'PodInitializing') return `Init:${waiting}`
  return `Init:${index}/${pod.spec.initContainers?.length ?? 0}`
}

function endText(state: ContainerState | undefined): string | undefined {
  const terminated = state?.terminated
  if (!terminated) return undefined
  if (terminated.reason) return terminated.reason
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`
}

/** Of the first container that waits or has ended. */
function containersReason(pod: Pod, otherwise: string): string {
  const statuses = pod.status?.containerStatuses ?? []
  const reasons = statuses
    .map(({ state }) => state?.waiting?.reason || endText(state))
    .filter(reason => reason !== undefined)
  const reason = reasons[0] ?? otherwise
  const isRunning = statuses.some(({ ready, state }) => ready && state?.running)
  if (reason !== 'Completed' || !isRunning) return reason
  if (isPodReady(pod)) return 'Running'
  const failed = statuses.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0)
  return (failed && endText(failed.state)) ?? 'NotReady'
}

function restartsText(pod: Pod, now: Date): string {
  const { status } = pod
  const sidecars = sidecarNames(pod)
  const inits = status?.initContainerStatuses ?? []
  const initialising = initReason(pod) !== undefined && !isInitialised(pod)
  const counted = initialising
    ? inits
    : [...(status?.containerStatuses ?? []), ...inits.filter(({ name }) => sidecars.has(name))]
  const restarts = counted.reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0)
  const ends = counted.map(({ lastState }) => lastState?.terminated?.finishedAt).filter(time => time !== undefined)
  if (restarts === 0 || ends.length === 0) return String(restarts)
  const last = Math.max(...ends.map(time => Date.parse(time)))
  return `${restarts} (${elapsedText(now.getTime() - last)} ago)`
}

function readinessGatesText(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const open = gates.filter(({ conditionType }) => podConditionOf(pod, conditionType)?.status === 'True')
  return `${open.length}/${gates.length}`
}
