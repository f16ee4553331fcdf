import type { Clock } from '../../machinery/clock.ts'
import { isCritical } from '../pod/pod-view.ts'
import type { PodWorker } from '../pod/pod-worker.ts'

export interface EndPodsOptions {
  readonly workers: () => readonly PodWorker[]
  readonly clock: Clock
  /** For everything together; what does not end in time is killed. */
  readonly graceMs: number
  /** The part of it that is kept for critical Pods. */
  readonly criticalMs: number
}

const LOOK_MS = 100
/** What is killed when the time is over still needs a moment to be gone. */
const KILL_MS = 1000
const VERDICT = {
  reason: 'Terminated',
  message: 'Pod was terminated in response to imminent node shutdown.',
  isFailed: true,
  isDisruption: true,
}

/**
 * Ends all Pods because the machine goes down (KEP-2000): first those that can be missed, then critical ones, on which the
 * others may rest. Each may take its own grace period, but no longer than there is time.
 */
export async function endPods({ workers, clock, graceMs, criticalMs }: EndPodsOptions): Promise<void> {
  const untilMs = clock.monotonicMs() + graceMs
  for (const isTurn of [(worker: PodWorker) => !isCritical(worker.pod), () => true]) {
    const reservedMs = workers().some(worker => !isTurn(worker)) ? criticalMs : 0
    const leftMs = (): number => Math.max(0, untilMs - reservedMs - clock.monotonicMs())
    const ending = workers().filter(isTurn)
    for (const worker of ending) {
      const ownMs = (worker.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
      worker.terminate({ ...VERDICT, graceMs: Math.min(ownMs, leftMs()) })
    }
    const latestMs = leftMs() + KILL_MS
    for (let waitedMs = 0; waitedMs < latestMs && ending.some(worker => worker.isAlive); waitedMs += LOOK_MS)
      await clock.sleep(LOOK_MS)
  }
}
