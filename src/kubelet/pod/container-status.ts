import type { ContainerState, ContainerStateTerminated, ContainerStatus, Pod } from '../../api/core-v1/types.ts'
import { timeText } from '../../machinery/time.ts'
import type { ContainerRecord } from '../doors.ts'
import type { Health } from './plan.ts'
import { isRestarted, latestOf, type PodView, type RoledContainer, recordsOf } from './pod-view.ts'

export interface ContainerStatusInput {
  readonly pod: Pod
  readonly view: PodView
  readonly health: (record: ContainerRecord) => Health
  /** Why a container could not be started the last time, by name. */
  readonly failures: ReadonlyMap<string, { readonly reason: string; readonly message: string }>
  readonly terminationMessages: ReadonlyMap<string, string>
  readonly isTerminating: boolean
}

export function containerStatusOf(input: ContainerStatusInput, roled: RoledContainer): ContainerStatus {
  const { pod, view } = input
  const { name, image = '' } = roled.container
  const [latest, previous] = recordsOf(view, name)
  const known = knownStatusOf(pod, name)
  if (!latest) return statusWithoutRecord(input, roled, known)

  const state = stateOf(input, roled, latest)
  const last = state.waiting && latest.phase === 'exited' ? latest : previous
  const health = input.health(latest)
  const isRunning = latest.phase === 'running'
  return {
    name,
    image: latest.image || image,
    imageID: latest.imageId,
    containerID: containerIdText(latest.id),
    restartCount: latest.attempt,
    state,
    lastState: last?.phase === 'exited' ? { terminated: terminatedOf(input, last) } : (known?.lastState ?? {}),
    started: isRunning && health.isStarted,
    ready: roled.role === 'init' ? latest.phase === 'exited' && latest.exitCode === 0 : isRunning && health.isReady,
  }
}

export const containerIdText = (id: string): string => `containerd://${id}`

const knownStatusOf = ({ status }: Pod, name: string): ContainerStatus | undefined =>
  [status.initContainerStatuses, status.containerStatuses, status.ephemeralContainerStatuses]
    .flatMap(statuses => statuses ?? [])
    .find(known => known.name === name)

/** Nothing of it is on the machine: it has not started yet, or what it was has been cleaned away. */
function statusWithoutRecord(
  { pod, failures, isTerminating }: ContainerStatusInput,
  { role, container }: RoledContainer,
  known: ContainerStatus | undefined,
): ContainerStatus {
  const { name, image = '' } = container
  if (known?.state?.terminated) return known
  const base = { name, image, imageID: '', restartCount: known?.restartCount ?? 0, ready: false, started: false }
  if (known?.state?.running && isTerminating) {
    const message = 'The container could not be located when the pod was terminated'
    return { ...base, state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message } } }
  }
  const waitsForInit = role !== 'ephemeral' && (pod.spec.initContainers?.length ?? 0) > 0
  const waiting = failures.get(name) ?? { reason: waitsForInit ? 'PodInitializing' : 'ContainerCreating' }
  return { ...base, state: { waiting }, lastState: known?.lastState ?? {} }
}

function stateOf(input: ContainerStatusInput, roled: RoledContainer, record: ContainerRecord): ContainerState {
  switch (record.phase) {
    case 'running':
    case 'unknown':
      return { running: { startedAt: timeText(record.startedAt ?? record.createdAt) } }
    case 'created':
      return { waiting: input.failures.get(record.name) ?? { reason: 'ContainerCreating' } }
    case 'exited': {
      const failure = input.failures.get(record.name)
      const isWaiting = failure && !input.isTerminating && isRestarted(input.pod, roled, record)
      return isWaiting ? { waiting: failure } : { terminated: terminatedOf(input, record) }
    }
  }
}

function terminatedOf(input: ContainerStatusInput, record: ContainerRecord): ContainerStateTerminated {
  const exitCode = record.exitCode ?? 0
  const message = input.terminationMessages.get(record.id) ?? record.message
  return {
    exitCode,
    reason: record.reason || (exitCode === 0 ? 'Completed' : 'Error'),
    ...(message && { message }),
    startedAt: timeText(record.startedAt ?? record.createdAt),
    finishedAt: timeText(record.finishedAt ?? record.createdAt),
    containerID: containerIdText(record.id),
  }
}

/** Restart counts that the API knows, so that they go on after the records on the machine are gone. */
export function restartCountsOf(pod: Pod, view: PodView): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status
  for (const status of [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses]) {
    const hasRun = status.containerID || status.lastState?.terminated
    if (hasRun && !latestOf(view, status.name)) counts.set(status.name, status.restartCount)
  }
  return counts
}
