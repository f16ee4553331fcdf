import type { Node, Pod } from '../../api/core-v1/types.ts'
import type { Dependencies } from '../../client/controller.ts'
import { isPodReady } from '../../machinery/pod-state.ts'
import { timeText } from '../../machinery/time.ts'
import { attemptAll } from '../attempt-all.ts'
import { patchPodStatus } from '../disruption-target.ts'
import { podsOnNode } from '../pods-on-node.ts'
import { readinessOf } from './node-health.ts'

/**
 * Takes the Pods of a machine that is not ready out of service, so that they leave the endpoints at once (N1). Each Pod
 * once in a spell: a machine that is not ready but alive may say otherwise of its Pods, and then has the last word.
 */
export class NotReadyMarks {
  readonly #dependencies: Dependencies
  readonly #marked = new Map<string, Set<string>>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  async follow(node: Node): Promise<void> {
    const { name } = node.metadata
    if (readinessOf(node) === 'True') return this.forget(name)
    const marked = this.#marked.get(name) ?? new Set()
    this.#marked.set(name, marked)
    const ready = podsOnNode(this.#dependencies.informers, name).filter(
      pod => isPodReady(pod) && !marked.has(pod.metadata.uid),
    )
    await attemptAll(
      ready.map(pod => async () => {
        await this.#mark(pod)
        marked.add(pod.metadata.uid)
      }),
    )
  }

  forget(node: string): void {
    this.#marked.delete(node)
  }

  async #mark(pod: Pod): Promise<void> {
    const { client, events, clock } = this.#dependencies
    events.record(pod, { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' })
    const lastTransitionTime = timeText(clock.now())
    await patchPodStatus(client, pod, { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime }] })
  }
}
