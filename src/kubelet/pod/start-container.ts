import type { Pod } from '../../api/core-v1/types.ts'
import type { ContainerRecord, Sandbox, SandboxConfig } from '../doors.ts'
import type { MountedVolume } from '../volumes/volume-plugin.ts'
import { containerConfigOf } from './container-config.ts'
import { runHook } from './lifecycle-hook.ts'
import type { PodContext } from './pod-context.ts'
import type { RoledContainer } from './pod-view.ts'
import { StartFailure, type StartFailureReason } from './start-failure.ts'

export interface StartInput {
  readonly pod: Pod
  readonly roled: RoledContainer
  readonly sandbox: Sandbox
  readonly sandboxConfig: SandboxConfig
  readonly attempt: number
  readonly volumes: ReadonlyMap<string, MountedVolume>
  /** The record of this name that was made but never started, if any. */
  readonly leftover?: ContainerRecord
  readonly targetContainerId?: string
  /** Aborted when the Pod is to end: nothing new is made after that. */
  readonly signal: AbortSignal
}

/** Brings one container from its image to its postStart hook. Throws `StartFailure`, or the signal's reason. */
export async function startContainer(context: PodContext, input: StartInput): Promise<void> {
  const { pod, roled, signal } = input
  const { container } = roled
  const image = await unlessAborted(context.images.ensure(pod, container), signal)
  if (input.leftover) await context.doors.runtime.removeContainer(input.leftover.id)
  const config = await warning(context, input, containerConfigOf(context, { ...input, container, image }))
  signal.throwIfAborted()
  const id = await warning(context, input, asFailure('CreateContainerError', createContainer(context, input, config)))
  tell(context, pod, { reason: 'Created', message: `Created container ${container.name}` })
  signal.throwIfAborted()
  await warning(context, input, asFailure('RunContainerError', context.doors.runtime.startContainer(id)))
  tell(context, pod, { reason: 'Started', message: `Started container ${container.name}` })
  await runPostStart(context, input, id)
}

const createContainer = (
  { doors }: PodContext,
  { sandbox, sandboxConfig }: StartInput,
  container: Awaited<ReturnType<typeof containerConfigOf>>,
): Promise<string> => doors.runtime.createContainer({ sandboxId: sandbox.id, sandbox: sandboxConfig, container })

async function runPostStart(
  context: PodContext,
  { pod, roled, sandbox, signal }: StartInput,
  id: string,
): Promise<void> {
  const hook = roled.container.lifecycle?.postStart
  if (!hook) return
  const podAddress = sandbox.addresses[0] ?? context.machine().hostAddresses[0] ?? ''
  try {
    await unlessAborted(runHook(context, hook, { container: roled.container, containerId: id, podAddress }), signal)
  } catch (error) {
    signal.throwIfAborted()
    const message = `PostStartHook failed: ${messageOf(error)}`
    context.events.record(pod, { type: 'Warning', reason: 'FailedPostStartHook', message })
    tell(context, pod, { reason: 'Killing', message: 'FailedPostStartHook' })
    await context.doors.runtime.stopContainer(id, (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000)
    throw new StartFailure('PostStartHookError', message, { cause: error })
  }
}

async function asFailure<T>(reason: StartFailureReason, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new StartFailure(reason, messageOf(error), { cause: error })
  }
}

/** Tells the user of a failure that no one else has told of. */
async function warning<T>(context: PodContext, { pod }: StartInput, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    context.events.record(pod, { type: 'Warning', reason: 'Failed', message: `Error: ${messageOf(error)}` })
    throw error
  }
}

function tell({ events }: PodContext, pod: Pod, note: { reason: string; message: string }): void {
  events.record(pod, { type: 'Normal', ...note })
}

/** Stops waiting, not the work: for pulls and hooks that a Pod's end need not wait for. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
