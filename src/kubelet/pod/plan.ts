import type { Pod } from '../../api/core-v1/types.ts'
import type { ContainerRecord, Sandbox } from '../doors.ts'
import { containerHash } from './container-hash.ts'
import {
  containersOf,
  isAlive,
  isRestarted,
  latestOf,
  type PodView,
  podText,
  type RoledContainer,
  readySandboxOf,
} from './pod-view.ts'

export type Step =
  | { readonly kind: 'createSandbox'; readonly attempt: number }
  | { readonly kind: 'stopSandbox'; readonly sandbox: Sandbox }
  | { readonly kind: 'start'; readonly roled: RoledContainer; readonly sandbox: Sandbox; readonly attempt: number }
  | {
      readonly kind: 'kill'
      readonly record: ContainerRecord
      readonly message: string
      readonly graceMs: number
      readonly why: 'unhealthy' | 'changed' | 'terminating' | 'sandboxLost'
    }

/** What the probes say about one running container. */
export interface Health {
  /** The startup probe has succeeded, or there is none. */
  readonly isStarted: boolean
  readonly isReady: boolean
  readonly failed?: { readonly probe: 'liveness' | 'startup'; readonly graceSeconds?: number }
}

export interface PlanInput {
  readonly pod: Pod
  readonly view: PodView
  readonly health: (record: ContainerRecord) => Health
  /** Milliseconds until a container that ended, or could not start, may be tried again. */
  readonly backoffMs: (name: string, last: ContainerRecord | undefined) => number
  /** Names of containers whose start is under way. */
  readonly starting: ReadonlySet<string>
  /** Restart counts that the API knows, for containers whose records are gone. */
  readonly restartCounts: ReadonlyMap<string, number>
}

export interface Plan {
  readonly steps: readonly Step[]
  /** Containers that wait out a back-off, and for how long. */
  readonly backingOff: ReadonlyMap<string, number>
  /** All containers have ended and none is started again. */
  readonly isFinished: boolean
}

const GRACE_SECONDS_DEFAULT = 30

export const graceMsOf = (pod: Pod): number => (pod.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT) * 1000

/**
 * Decides what to do next so that a Pod runs as its spec says. Pure: the same world gives the same steps, and steps
 * that are already under way are left out by whoever carries them out.
 */
export function planPod(input: PlanInput): Plan {
  const { pod, view } = input
  const steps: Step[] = []
  const backingOff = new Map<string, number>()
  if (isPodFinished(pod, view)) return { steps, backingOff, isFinished: true }

  const sandbox = readySandboxOf(view)
  if (!sandbox) return { steps: planSandbox(pod, view), backingOff, isFinished: false }
  for (const other of view.sandboxes) if (other.isReady && other !== sandbox) steps.push(stopSandbox(other))

  const walk: Walk = { input, sandbox, steps, backingOff }
  if (planInitContainers(walk)) planMainContainers(walk)
  return { steps, backingOff, isFinished: false }
}

interface Walk {
  readonly input: PlanInput
  readonly sandbox: Sandbox
  readonly steps: Step[]
  readonly backingOff: Map<string, number>
}

const stopSandbox = (sandbox: Sandbox): Step => ({ kind: 'stopSandbox', sandbox })

/** Without a sandbox nothing may run: what does is ended first, then a new sandbox is made. */
function planSandbox(pod: Pod, view: PodView): Step[] {
  const alive = view.containers.filter(isAlive)
  if (alive.length > 0) {
    return alive.map(record => ({
      kind: 'kill',
      record,
      message: 'Pod sandbox changed, it will be killed and re-created.',
      graceMs: graceMsOf(pod),
      why: 'sandboxLost',
    }))
  }
  const attempt = view.sandboxes.reduce((most, { attempt }) => Math.max(most, attempt + 1), 0)
  return [{ kind: 'createSandbox', attempt }]
}

/** True when the main containers may start: every init container has ended well and every sidecar has started. */
function planInitContainers(walk: Walk): boolean {
  const { pod, view } = walk.input
  const roleds = containersOf(pod)
  const inSandbox = (name: string): ContainerRecord | undefined => recordIn(walk.sandbox, view, name)
  // Records of finished init containers may be cleaned away; a main container proves that they were all done.
  const isPast = roleds.some(({ role, container }) => role === 'main' && inSandbox(container.name))
  for (const roled of roleds) {
    if (roled.role !== 'init' && roled.role !== 'sidecar') continue
    const record = inSandbox(roled.container.name)
    if (roled.role === 'sidecar') {
      if (!planContainer(walk, roled, record) && !isPast) return false
      continue
    }
    if (isPast || (record?.phase === 'exited' && record.exitCode === 0)) continue
    if (record && isAlive(record)) planAlive(walk, roled, record)
    else if (record?.phase !== 'exited' || isRestarted(pod, roled, record)) planStart(walk, roled, record)
    return false
  }
  return true
}

/** Main containers start in order for the first time (a slow postStart holds up the next); restarts are independent. */
function planMainContainers(walk: Walk): void {
  const { view, starting } = walk.input
  for (const roled of containersOf(walk.input.pod)) {
    if (roled.role !== 'main' && roled.role !== 'ephemeral') continue
    const record = recordIn(walk.sandbox, view, roled.container.name)
    planContainer(walk, roled, record)
    if ((!record || record.phase === 'created') && isStarting(walk, roled, starting)) break
  }
}

const isStarting = ({ backingOff }: Walk, { container }: RoledContainer, starting: ReadonlySet<string>): boolean =>
  starting.has(container.name) || !backingOff.has(container.name)

/** True when the container runs and has started. */
function planContainer(walk: Walk, roled: RoledContainer, record: ContainerRecord | undefined): boolean {
  if (record && isAlive(record)) return planAlive(walk, roled, record)
  if (!record || record.phase === 'created' || isRestarted(walk.input.pod, roled, record))
    planStart(walk, roled, record)
  return false
}

function planAlive({ input, steps }: Walk, { container }: RoledContainer, record: ContainerRecord): boolean {
  const kill = (message: string, why: 'unhealthy' | 'changed', graceSeconds?: number): void => {
    const graceMs = graceSeconds === undefined ? graceMsOf(input.pod) : graceSeconds * 1000
    steps.push({ kind: 'kill', record, message, graceMs, why })
  }
  const { isStarted, failed } = input.health(record)
  const hash = record.annotations['io.kubernetes.container.hash']
  if (hash !== undefined && hash !== containerHash(container)) {
    kill(`Container ${container.name} definition changed, will be restarted`, 'changed')
  } else if (failed) {
    kill(
      `Container ${container.name} failed ${failed.probe} probe, will be restarted`,
      'unhealthy',
      failed.graceSeconds,
    )
  }
  return isStarted
}

function planStart({ input, steps, backingOff, sandbox }: Walk, roled: RoledContainer, last?: ContainerRecord): void {
  const { name } = roled.container
  if (input.starting.has(name)) return
  const waitMs = input.backoffMs(name, last ?? latestOf(input.view, name))
  if (waitMs > 0) backingOff.set(name, waitMs)
  else steps.push({ kind: 'start', roled, sandbox, attempt: nextAttempt(input, name) })
}

function nextAttempt({ view, restartCounts }: PlanInput, name: string): number {
  const latest = latestOf(view, name)
  if (latest) return latest.phase === 'created' ? latest.attempt : latest.attempt + 1 // One that never ran does not count.
  const known = restartCounts.get(name)
  return known === undefined ? 0 : known + 1
}

const recordIn = (sandbox: Sandbox, view: PodView, name: string): ContainerRecord | undefined => {
  const latest = latestOf(view, name)
  return latest?.sandboxId === sandbox.id ? latest : undefined
}

/** A Pod is finished when nothing of it is ever started again. */
function isPodFinished(pod: Pod, view: PodView): boolean {
  const ended = (roled: RoledContainer): boolean => {
    const latest = latestOf(view, roled.container.name)
    return latest?.phase === 'exited' && !isRestarted(pod, roled, latest)
  }
  const roleds = containersOf(pod)
  const failedInit = roleds.some(roled => {
    const latest = latestOf(view, roled.container.name)
    return roled.role === 'init' && ended(roled) && latest?.exitCode !== 0
  })
  const mains = roleds.filter(({ role }) => role === 'main')
  return failedInit || (mains.length > 0 && mains.every(ended))
}

/** Ends everything: main containers at once, then sidecars from the last to the first, then the sandboxes. */
export function planTermination(
  pod: Pod,
  view: PodView,
  { graceMs, message }: { readonly graceMs: number; readonly message?: string },
): Plan {
  const steps: Step[] = []
  const sidecars = containersOf(pod)
    .filter(({ role }) => role === 'sidecar')
    .map(({ container }) => container.name)
  const alive = view.containers.filter(record => isAlive(record) || record.phase === 'created')
  const kill = (record: ContainerRecord): void => {
    const text = message ?? `Stopping container ${record.name}`
    steps.push({ kind: 'kill', record, message: text, graceMs, why: 'terminating' })
  }
  const others = alive.filter(({ name }) => !sidecars.includes(name))
  for (const record of others) kill(record)
  if (others.length === 0) {
    const last = sidecars
      .toReversed()
      .map(name => alive.find(record => record.name === name))
      .find(Boolean)
    if (last) kill(last)
  }
  if (alive.length === 0) for (const sandbox of view.sandboxes) if (sandbox.isReady) steps.push(stopSandbox(sandbox))
  return { steps, backingOff: new Map(), isFinished: steps.length === 0 }
}

/** For logs and for keeping one kind of work from being started twice. */
export function stepKey(step: Step): string {
  switch (step.kind) {
    case 'createSandbox':
      return 'sandbox'
    case 'stopSandbox':
      return `stop:${step.sandbox.id}`
    case 'start':
      return `start:${step.roled.container.name}`
    case 'kill':
      return `kill:${step.record.id}`
  }
}

export const backOffMessage = (pod: Pod, name: string, delayMs: number): string =>
  `back-off ${delayText(delayMs)} restarting failed container=${name} pod=${podText(pod)}`

const delayText = (ms: number): string => {
  const seconds = Math.round(ms / 1000)
  return seconds >= 60 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${seconds}s`
}
