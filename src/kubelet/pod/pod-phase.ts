import type { ContainerStatus, Pod, PodStatus } from '../../api/core-v1/types.ts'
import { containersOf } from './pod-view.ts'

interface Tally {
  pendingInit: number
  failedInit: number
  waiting: number
  running: number
  stopped: number
  succeeded: number
}

/** The phase that the states of the containers add up to (Pod Lifecycle, "Pod phase"). */
export function phaseOf(
  pod: Pod,
  statuses: ReadonlyMap<string, ContainerStatus>,
  { isTerminating, isFinished }: { readonly isTerminating: boolean; readonly isFinished: boolean },
): NonNullable<PodStatus['phase']> {
  // What was final stays final, whatever is left on the machine.
  if (pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') return pod.status.phase
  const tally = tallyOf(pod, statuses)
  const policy = pod.spec.restartPolicy ?? 'Always'
  if (isTerminating && isFinished)
    return tally.stopped > 0 && tally.stopped === tally.succeeded ? 'Succeeded' : 'Failed'
  if (tally.failedInit > 0 && policy === 'Never') return 'Failed'
  const hasRun = tally.running + tally.stopped > 0
  if (tally.pendingInit > 0 && !hasRun) return 'Pending'
  if (tally.waiting > 0) return tally.stopped > 0 ? 'Running' : 'Pending'
  if (tally.running > 0) return 'Running'
  if (tally.stopped === 0) return 'Pending'
  if (policy === 'Always') return 'Running'
  if (tally.stopped === tally.succeeded) return 'Succeeded'
  return policy === 'Never' ? 'Failed' : 'Running'
}

function tallyOf(pod: Pod, statuses: ReadonlyMap<string, ContainerStatus>): Tally {
  const tally: Tally = { pendingInit: 0, failedInit: 0, waiting: 0, running: 0, stopped: 0, succeeded: 0 }
  for (const { role, container } of containersOf(pod)) {
    const status = statuses.get(container.name)
    if (!status || role === 'ephemeral') continue
    if (role === 'main') countMain(tally, status)
    else if (role === 'sidecar') tally.pendingInit += status.started ? 0 : 1
    else if (!status.ready) {
      tally.pendingInit += 1
      const ended = status.state?.terminated ?? status.lastState?.terminated
      if (ended && ended.exitCode !== 0) tally.failedInit += 1
    }
  }
  return tally
}

function countMain(tally: Tally, { state, lastState }: ContainerStatus): void {
  const ended = state?.terminated ?? (state?.waiting ? lastState?.terminated : undefined)
  if (state?.running) tally.running += 1
  else if (ended) {
    tally.stopped += 1
    if (ended.exitCode === 0) tally.succeeded += 1
  } else tally.waiting += 1
}
