import type { Container, Pod } from '../../api/core-v1/types.ts'
import type { ContainerRecord } from '../doors.ts'
import { runHook } from './lifecycle-hook.ts'
import type { PodContext } from './pod-context.ts'

/** What a container keeps for itself after a slow preStop hook. */
const GRACE_MS_MIN = 2000

export interface KillInput {
  readonly pod: Pod
  readonly record: ContainerRecord
  /** Absent when the spec has no such container any more. */
  readonly container?: Container
  readonly graceMs: number
  readonly message: string
  readonly podAddress: string
}

/** Ends one container: preStop, the stop signal, and SIGKILL when the grace is over. */
export async function killContainer(context: PodContext, input: KillInput): Promise<void> {
  const { doors, clock, events } = context
  const { pod, record, graceMs } = input
  if (record.phase === 'created') return doors.runtime.removeContainer(record.id)
  events.record(pod, { type: 'Normal', reason: 'Killing', message: input.message })
  const startedMs = clock.monotonicMs()
  if (graceMs > 0) await runPreStop(context, input)
  const spentMs = clock.monotonicMs() - startedMs
  const leftMs = spentMs === 0 ? graceMs : Math.max(graceMs - spentMs, Math.min(graceMs, GRACE_MS_MIN))
  await doors.runtime.stopContainer(record.id, leftMs)
}

async function runPreStop(
  context: PodContext,
  { pod, record, container, graceMs, podAddress }: KillInput,
): Promise<void> {
  const hook = container?.lifecycle?.preStop
  if (!hook || !container) return
  const stop = new AbortController()
  const late = context.clock.sleep(graceMs, stop.signal).then(
    () => Promise.reject(new Error(`preStop hook did not finish within its grace period of ${graceMs / 1000} s`)),
    () => {}, // The hook was in time.
  )
  try {
    await Promise.race([runHook(context, hook, { container, containerId: record.id, podAddress }, graceMs), late])
  } catch (error) {
    const message = `PreStopHook failed: ${error instanceof Error ? error.message : String(error)}`
    context.events.record(pod, { type: 'Warning', reason: 'FailedPreStopHook', message })
  } finally {
    stop.abort()
  }
}
