import { Pod } from '../api/core-v1/types.ts'
import { Backoff } from '../client/backoff.ts'
import type { Dependencies } from '../client/controller.ts'
import { keyOf } from '../machinery/object.ts'
import { StatusError } from '../machinery/status.ts'

/** Binds Pods through the `binding` subresource, and finds out what became of it when the answer is lost. */
export class PodBinder {
  readonly #dependencies: Pick<Dependencies, 'client' | 'clock' | 'random' | 'logger'>

  constructor(dependencies: Pick<Dependencies, 'client' | 'clock' | 'random' | 'logger'>) {
    this.#dependencies = dependencies
  }

  /** Resolves when the Pod is bound to that machine; rejects when it is certain that this call has not bound it. */
  async bind(pod: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.metadata
    const target = { apiVersion: 'v1', kind: 'Node', name: nodeName }
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target }
    try {
      await this.#dependencies.client.createSubresource(Pod, { namespace, name }, { subresource: 'binding', body })
    } catch (error) {
      if (isRefusal(error) || signal.aborted) throw error
      if ((await this.#nodeNameOf(pod, signal)) !== nodeName) throw error
    }
  }

  /** Asks until the server answers: giving the machine's room to others before would promise it twice. */
  async #nodeNameOf(pod: Pod, signal: AbortSignal): Promise<string | undefined> {
    const { client, clock, random, logger } = this.#dependencies
    const backoff = new Backoff({ firstMs: 100, lastMs: 5000, random })
    for (;;) {
      try {
        const current = await client.find(Pod, keyOf(pod))
        return current?.metadata.uid === pod.metadata.uid ? current.spec.nodeName : undefined
      } catch (error) {
        logger.warn({ err: error, pod: pod.metadata.name }, 'outcome of a binding is not known yet')
        await clock.sleep(backoff.nextMs(), signal)
      }
    }
  }
}

/** The server has answered and done nothing. Its own failures leave that open. */
const isRefusal = (error: unknown): boolean => error instanceof StatusError && error.code < 500
