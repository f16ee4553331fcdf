import type { DaemonSet } from '../../api/apps-v1/types.ts'
import { Pod } from '../../api/core-v1/types.ts'
import type { Dependencies } from '../../client/controller.ts'
import { keyOf, keyText, type ObjectKey } from '../../machinery/object.ts'
import { attemptAll, messageOf } from '../attempt-all.ts'
import { isNamespaceGoing } from '../create-in-namespace.ts'
import type { Expectations } from '../expectations.ts'
import { podFromTemplate } from '../pod-from-template.ts'
import { slowStart } from '../slow-start.ts'
import { targetNodeOf, templateFor } from './daemon-pod.ts'
import type { EndedPodBackoff } from './ended-pod-backoff.ts'
import type { DaemonPlan, Removal } from './plan-nodes.ts'
import { revisionLabels } from './update-limits.ts'

/** Pods made or deleted in one pass at most. */
const BURST_MAX = 250

interface DaemonPodsDependencies extends Dependencies {
  readonly expectations: Expectations
  readonly backoff: EndedPodBackoff
  readonly set: DaemonSet
  readonly hash: string
}

/** Makes and deletes the Pods of one set, and tells of it. */
export class DaemonPods {
  readonly #dependencies: DaemonPodsDependencies
  readonly #key: ObjectKey

  constructor(dependencies: DaemonPodsDependencies) {
    this.#dependencies = dependencies
    this.#key = keyOf(dependencies.set)
  }

  /** Answers after how many milliseconds a removal may be tried that has to wait now. */
  async carryOut({ create, remove }: DaemonPlan): Promise<number | undefined> {
    const waits: number[] = []
    const removals = remove.filter(removal => {
      const waitMs = this.#waitMsFor(removal)
      if (waitMs > 0) waits.push(waitMs)
      return waitMs === 0
    })
    await attemptAll([
      () => this.#create(create.slice(0, BURST_MAX)),
      ...removals.slice(0, BURST_MAX).map(removal => () => this.#remove(removal)),
    ])
    return waits.length > 0 ? Math.min(...waits) : undefined
  }

  #waitMsFor({ pod, reason }: Removal): number {
    if (reason !== 'Ended') return 0
    return this.#dependencies.backoff.take(`${keyText(this.#key)}/${targetNodeOf(pod)}`)
  }

  async #create(nodes: readonly string[]): Promise<void> {
    const rest = [...nodes]
    const { error } = await slowStart(nodes.length, () => this.#createOn(rest.shift()!))
    if (error !== undefined && !isNamespaceGoing(error)) throw error
  }

  async #createOn(nodeName: string): Promise<void> {
    const { set, random, events, expectations, hash } = this.#dependencies
    const template = templateFor(set.spec.template, nodeName)
    try {
      const wanted = podFromTemplate(set, { template, random, labels: revisionLabels(set, hash) })
      const { metadata } = await expectations.create(this.#key, Pod, wanted)
      events.record(set, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${metadata.name}` })
    } catch (error) {
      if (!isNamespaceGoing(error)) {
        events.record(set, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${messageOf(error)}` })
      }
      throw error
    }
  }

  async #remove({ pod, reason }: Removal): Promise<void> {
    const { set, events, expectations } = this.#dependencies
    const { name, namespace } = pod.metadata
    if (reason === 'Ended') {
      const isFailed = pod.status.phase === 'Failed'
      const [word, what] = isFailed ? ['failed', 'kill'] : ['succeeded', 'delete']
      const message = `Found ${word} daemon pod ${namespace}/${name} on node ${targetNodeOf(pod)}, will try to ${what} it`
      const type = isFailed ? 'Warning' : 'Normal'
      events.record(set, { type, reason: isFailed ? 'FailedDaemonPod' : 'SucceededDaemonPod', message })
    }
    try {
      await expectations.delete(this.#key, Pod, pod)
      events.record(set, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` })
    } catch (error) {
      events.record(set, { type: 'Warning', reason: 'FailedDelete', message: `Error deleting: ${messageOf(error)}` })
      throw error
    }
  }
}
