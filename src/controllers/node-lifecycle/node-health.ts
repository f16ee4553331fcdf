import type { Lease } from '../../api/coordination-v1/types.ts'
import type { Node, NodeCondition } from '../../api/core-v1/types.ts'
import { timeText } from '../../machinery/time.ts'

/** Silence of a machine after which nobody knows how it is (40 s before Kubernetes 1.32). */
export const SILENCE_MS_MAX = 50_000

export const readinessOf = ({ status }: Node): 'True' | 'False' | 'Unknown' => {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.status
  return ready === 'True' || ready === 'False' ? ready : 'Unknown'
}

/**
 * When each machine was last heard of, by our own clock: a changed lease or status is a sign of life, whatever time is
 * written in it. A machine that is seen for the first time has just been heard of.
 */
export class Heartbeats {
  readonly #heard = new Map<string, { readonly sign: string; readonly atMs: number }>()

  /** Milliseconds since the last sign of life. */
  silenceMs(node: Node, lease: Lease | undefined, nowMs: number): number {
    const sign = JSON.stringify([node.metadata.uid, lease?.spec.renewTime, heartbeatOf(node)])
    const last = this.#heard.get(node.metadata.name)
    if (last?.sign === sign) return nowMs - last.atMs
    this.#heard.set(node.metadata.name, { sign, atMs: nowMs })
    return 0
  }

  forget(name: string): void {
    this.#heard.delete(name)
  }
}

/** Written by the machine only: what we write when it is silent does not touch these times. */
const heartbeatOf = ({ status }: Node): unknown => status.conditions?.map(({ lastHeartbeatTime }) => lastHeartbeatTime)

const WATCHED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

/** The conditions of a machine that has fallen silent: those that it used to report are unknown now. */
export function unknownConditions({ metadata, status }: Node, now: Date): readonly NodeCondition[] {
  const reported = status.conditions ?? []
  const others = reported.filter(({ type }) => !WATCHED.includes(type))
  const time = timeText(now)
  const unknown = WATCHED.map((type): NodeCondition => {
    const current = reported.find(condition => condition.type === type)
    if (current?.status === 'Unknown') return current
    if (current) {
      const reason = 'NodeStatusUnknown'
      return {
        ...current,
        status: 'Unknown',
        reason,
        message: 'Kubelet stopped posting node status.',
        lastTransitionTime: time,
      }
    }
    return {
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
      lastHeartbeatTime: metadata.creationTimestamp,
      lastTransitionTime: time,
    }
  })
  return [...others, ...unknown]
}
