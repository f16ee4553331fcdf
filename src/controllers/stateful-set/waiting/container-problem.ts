import type { ContainerStateTerminated, ContainerStatus, Event, Pod } from '../../../api/core-v1/types.ts'
import { CRASH_REASON, crashIn } from '../../../machinery/crash-event.ts'
import { timeOf } from '../../../machinery/time.ts'
import { cut, type Evidence, lastLineOf, type Problem } from './evidence.ts'

const PULL_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
])
/** Ordinary on the way to a running container. */
const STARTING_REASONS = new Set(['ContainerCreating', 'PodInitializing', 'CrashLoopBackOff', ''])

/** The first container that cannot run, init containers first; then a probe that fails. */
export function containerProblemOf(pod: Pod, evidence: Evidence): Problem | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status
  for (const status of initContainerStatuses) {
    const problem = problemOfContainer(pod, status, evidence)
    if (problem) return { ...problem, text: `init ${problem.text}` }
  }
  for (const status of containerStatuses) {
    const problem = problemOfContainer(pod, status, evidence)
    if (problem) return problem
  }
  return undefined
}

function problemOfContainer(pod: Pod, status: ContainerStatus, evidence: Evidence): Problem | undefined {
  const reason = status.state?.waiting?.reason ?? ''
  if (PULL_REASONS.has(reason)) return pullProblem(pod, status, evidence)
  if (!STARTING_REASONS.has(reason)) return creationProblem(status, reason)
  const ended = endOf(status)
  const failing = probeWarning(pod, status, evidence)
  if (ended && !isOlder(ended, failing)) return crashProblem(pod, { status, ended, evidence })
  return failing && probeProblem(pod, { status, failing, now: evidence.now })
}

/** kubelet alternates between two reasons here; the text must not, or the status would be written again and again. */
function pullProblem(pod: Pod, { name, image, state }: ContainerStatus, evidence: Evidence): Problem {
  const warned = evidence.warningsAbout(pod.metadata.uid).findLast(({ message }) => /pull image/.test(message ?? ''))
  const detail = pullErrorIn(warned?.message ?? state?.waiting?.message ?? '')
  return {
    reason: 'ImageNotPulled',
    text: `container ${name} cannot pull image "${imageOf(pod, name) ?? image}"${detail ? `: ${lastLineOf(detail)}` : ''}`,
    isStall: true,
  }
}

/** What the registry said, without what kubelet says around it: the same text whether an event or the status told it. */
const pullErrorIn = (text: string): string =>
  text.replace(/^((Back-off pulling|Failed to pull) image "[^"]*":?\s*|ErrImagePull:\s*)+/i, '')

const imageOf = ({ spec }: Pod, containerName: string): string | undefined =>
  [...spec.containers, ...(spec.initContainers ?? [])].find(({ name }) => name === containerName)?.image

/** `CreateContainerConfigError` and its relatives: kubelet's own words say what is missing. */
const creationProblem = ({ name, state }: ContainerStatus, reason: string): Problem => ({
  reason: 'ContainerNotCreated',
  text: `container ${name} cannot be created (${reason}): ${lastLineOf(state?.waiting?.message)}`,
  isStall: true,
})

/** How it ended last, if that is why it is not ready now. An init container that ended well is done. */
function endOf({ ready, state, lastState }: ContainerStatus): ContainerStateTerminated | undefined {
  if (state?.terminated) return state.terminated.exitCode === 0 ? undefined : state.terminated
  return ready ? undefined : lastState?.terminated
}

/** A container that is up again and answers its probe wrongly has another problem now than its last exit. */
function isOlder({ finishedAt }: ContainerStateTerminated, failing: Event | undefined): boolean {
  const failedAt = failing?.lastTimestamp ?? failing?.firstTimestamp
  return failedAt !== undefined && finishedAt !== undefined && finishedAt < failedAt
}

interface Crashed {
  readonly status: ContainerStatus
  readonly ended: ContainerStateTerminated
  readonly evidence: Evidence
}

/** Its termination message, or else what the kubelet read in its log. */
function crashProblem(pod: Pod, { status: { name }, ended, evidence }: Crashed): Problem {
  const { exitCode, signal, reason, message } = ended
  const how = signal ? `was killed by signal ${signal}` : `exits with code ${exitCode}`
  const why = reason && reason !== 'Error' && reason !== 'Completed' ? ` (${reason})` : ''
  const last = lastLineOf(message) || lastLineOf(loggedLine(pod, { name, exitCode, evidence }))
  return {
    reason: 'CrashLooping',
    text: `container ${name} ${how}${why} again and again${last && `, last saying "${last}"`}`,
    isStall: true,
    isVague: last === '',
  }
}

function loggedLine(
  pod: Pod,
  { name, exitCode, evidence }: { readonly name: string; readonly exitCode: number; readonly evidence: Evidence },
): string | undefined {
  return evidence
    .warningsAbout(pod.metadata.uid)
    .flatMap(({ reason, message }) => (reason === CRASH_REASON ? (crashIn(message ?? '') ?? []) : []))
    .findLast(crash => crash.containerName === name && crash.exitCode === exitCode)?.lastLine
}

/** `Readiness probe failed: HTTP probe failed with statuscode: 500`: kubelet's event is the only place that says it. */
function probeWarning(pod: Pod, { name, ready, state }: ContainerStatus, evidence: Evidence): Event | undefined {
  if (ready || !state?.running) return undefined
  return evidence
    .warningsAbout(pod.metadata.uid)
    .findLast(({ reason, involvedObject }) => reason === 'Unhealthy' && isAbout(involvedObject.fieldPath, name))
}

interface FailingProbe {
  readonly status: ContainerStatus
  readonly failing: Event
  readonly now: Date
}

/** Since when, is a matter of the Pod's condition: the event only tells of the last failure. */
function probeProblem(pod: Pod, { status: { name, state }, failing: { message }, now }: FailingProbe): Problem {
  const startedAt = state?.running?.startedAt
  const elapsedMs = startedAt ? now.getTime() - timeOf(startedAt).getTime() : Number.POSITIVE_INFINITY
  const graceMs = startGraceMs(pod, name, message) - elapsedMs
  const text = `container ${name} runs, but is not ready: ${cut(lastLineOf(message))}`
  if (graceMs <= 0) return { reason: 'ProbeFailing', text, isStall: true }
  return { reason: 'PodStarting', text, isStall: false, untilStallMs: graceMs }
}

/** What listens takes its time to do so; a first wrong answer is no news. */
const START_GRACE_MS_MIN = 10_000

/** How long after its start a container may answer its probe wrongly: until the probe itself would give it up. */
function startGraceMs({ spec }: Pod, containerName: string, message: string | undefined): number {
  const container = spec.containers.find(({ name }) => name === containerName)
  const probe = message?.startsWith('Startup') ? container?.startupProbe : container?.readinessProbe
  const { initialDelaySeconds = 0, failureThreshold = 3, periodSeconds = 10 } = probe ?? {}
  return Math.max(START_GRACE_MS_MIN, (initialDelaySeconds + failureThreshold * periodSeconds) * 1000)
}

/** kubelet names the container as `spec.containers{name}`. */
const isAbout = (fieldPath: string | undefined, containerName: string): boolean =>
  !fieldPath || fieldPath.endsWith(`{${containerName}}`)
