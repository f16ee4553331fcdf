import type { Pod } from '../../src/api/core-v1/types.ts'
import { parentAndOrdinalOf } from '../../src/controllers/stateful-set/identity.ts'
import { isPodReady, isPodTerminating } from '../../src/machinery/pod-state.ts'

/**
 * Watches the server's own order of events and notes every moment at which an ordered set broke its word: a Pod that
 * came before all below it were ready, or one that was taken away while another was not there. Only for sets whose Pods
 * become ready by themselves and stay so, and that start at ordinal 0.
 */
export class OrderCheck {
  readonly broken: string[] = []
  readonly #pods = new Map<number, Pod>()

  note(type: string, pod: Pod): void {
    const { ordinal } = parentAndOrdinalOf(pod.metadata.name)
    const before = this.#pods.get(ordinal)
    if (type === 'ADDED') this.#added(ordinal, pod)
    else if (type !== 'DELETED' && isPodTerminating(pod) && before && !isPodTerminating(before)) this.#leaving(ordinal)
    if (type === 'DELETED') this.#pods.delete(ordinal)
    else this.#pods.set(ordinal, pod)
  }

  #added(ordinal: number, { metadata }: Pod): void {
    if (this.#pods.has(ordinal)) this.broken.push(`${metadata.name} came while another of its name was there`)
    for (let lower = 0; lower < ordinal; lower++) {
      if (!this.#isReady(lower)) this.broken.push(`${metadata.name} came before ${lower} was ready`)
    }
  }

  #leaving(ordinal: number): void {
    for (const other of this.#pods.keys()) {
      if (other !== ordinal && !this.#isReady(other))
        this.broken.push(`${ordinal} was taken while ${other} was not ready`)
    }
  }

  #isReady(ordinal: number): boolean {
    const pod = this.#pods.get(ordinal)
    return pod !== undefined && isPodReady(pod) && !isPodTerminating(pod)
  }
}
