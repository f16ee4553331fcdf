import { Pod, type PodStatus } from '../../src/api/core-v1/types.ts'
import { type ControllerDefinition, controllerFor, type Enqueue } from '../../src/client/controller.ts'
import { hasPodEnded } from '../../src/machinery/pod-state.ts'
import { isStatusError } from '../../src/machinery/status.ts'
import { timeText } from '../../src/machinery/time.ts'

/** How a Pod fares: `pending` never starts, `unready` runs without being ready. */
export type Conduct = 'ready' | 'unready' | 'pending' | 'failed' | 'succeeded'

type Subject = Pick<Pod, 'metadata' | 'spec'>

/** Plays the kubelet of every machine, as a test tells it to. */
export class PuppetKubelet {
  readonly definition: ControllerDefinition
  #conductOf: (pod: Subject) => Conduct = () => 'ready'
  readonly #held = new Set<string>()
  readonly #known = new Map<string, { namespace: string; name: string }>()
  #enqueue: Enqueue = () => {}

  constructor() {
    this.definition = controllerFor(Pod, { name: 'puppet-kubelet', component: 'kubelet' }).reconciledBy(
      (dependencies, enqueue) => {
        this.#enqueue = enqueue
        return key => this.#play(dependencies, key)
      },
    )
  }

  /** From now on all Pods, also those that run already, fare as told. */
  let(conductOf: (pod: Subject) => Conduct): void {
    this.#conductOf = conductOf
    for (const key of this.#known.values()) this.#enqueue(key)
  }

  /** The Pod of this name does not go when deleted, as if its machine did not answer. */
  hold(name: string): void {
    this.#held.add(name)
  }

  release(name: string): void {
    this.#held.delete(name)
    for (const key of this.#known.values()) if (key.name === name) this.#enqueue(key)
  }

  async #play(
    { client, informers, clock }: Parameters<ControllerDefinition['reconciler']>[0],
    key: { namespace?: string; name: string },
  ): Promise<object> {
    const pod = informers.informer(Pod).get(key)
    if (!pod) return {}
    this.#known.set(pod.metadata.uid, { namespace: pod.metadata.namespace, name: pod.metadata.name })
    try {
      if (pod.metadata.deletionTimestamp) {
        const isHeld = this.#held.has(pod.metadata.name) || (pod.metadata.finalizers?.length ?? 0) > 0
        if (!isHeld) await client.delete(Pod, key, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } })
        return {}
      }
      const status = statusFor(this.#conductOf(pod), pod, timeText(clock.now()))
      if (status) await client.updateStatus(Pod, { ...pod, status })
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error
    }
    return {}
  }
}

function statusFor(conduct: Conduct, pod: Pod, at: string): PodStatus | undefined {
  const before = pod.status.conditions?.find(({ type }) => type === 'Ready')
  const ready = conduct === 'ready' ? 'True' : 'False'
  const phase = { pending: 'Pending', failed: 'Failed', succeeded: 'Succeeded' }[conduct as string] ?? 'Running'
  if (hasPodEnded(pod) || (pod.status.phase === phase && before?.status === ready)) return undefined
  const lastTransitionTime = before?.status === ready ? before.lastTransitionTime! : at
  return {
    ...pod.status,
    phase: phase as 'Running',
    conditions: [{ type: 'Ready', status: ready, lastTransitionTime }],
  }
}
