import type { KubernetesObject } from '../api/kind.ts'
import type { Component } from '../machinery/component.ts'
import { InvariantError } from '../machinery/invariant.ts'
import type { Logger } from '../machinery/logger.ts'
import { keyFromText, keyText, type ObjectKey } from '../machinery/object.ts'
import { isStatusError } from '../machinery/status.ts'
import { type ControllerDefinition, type Dependencies, type Reconciler, TerminalError } from './controller.ts'
import type { ControllerMetrics } from './controller-metrics.ts'
import type { InformerEvent } from './informer.ts'
import { WorkQueue } from './work-queue.ts'

/** Runs a declared controller: its watches fill a queue of keys, its workers empty it. */
export function controllerComponent(
  definition: ControllerDefinition,
  dependencies: Dependencies,
  metrics?: ControllerMetrics,
): Component {
  const { name } = definition
  const logger = dependencies.logger.child({ controller: name })
  return {
    name,
    async run(signal) {
      const queue = new WorkQueue(dependencies.clock)
      const enqueue = (key: ObjectKey, afterMs = 0): void => queue.addAfter(keyText(key), afterMs)
      const reconcile = definition.reconciler({ ...dependencies, logger }, enqueue)
      const informers = definition.watched.map(({ kind }) => dependencies.informers.informer(kind))
      const close = (): void => queue.close()
      signal.addEventListener('abort', close, { once: true })
      try {
        await Promise.all(informers.map(informer => informer.whenSynced(signal))).catch(() => {})
        if (signal.aborted) return
        using subscriptions = new DisposableStack()
        for (const [index, { keysOf }] of definition.watched.entries()) {
          const handle = (event: InformerEvent<KubernetesObject>): void => {
            for (const key of keysOf(event, dependencies)) queue.add(keyText(key))
          }
          subscriptions.use(informers[index]!.subscribe(handle))
        }
        metrics?.observeQueue(name, queue)
        const worker = new Worker({ reconcile, queue, logger, signal, name, ...(metrics && { metrics }) })
        await Promise.all(Array.from({ length: definition.workers }, () => worker.work()))
      } finally {
        signal.removeEventListener('abort', close)
        queue.close()
      }
    },
  }
}

interface WorkerParts {
  readonly name: string
  readonly reconcile: Reconciler
  readonly queue: WorkQueue
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly metrics?: ControllerMetrics
}

class Worker {
  readonly #parts: WorkerParts

  constructor(parts: WorkerParts) {
    this.#parts = parts
  }

  /** Takes keys until the queue is closed. Rejects only for a failure of reasoning, which stops the controller. */
  async work(): Promise<void> {
    const { queue } = this.#parts
    for (;;) {
      const key = await queue.take()
      if (key === undefined) return
      try {
        await this.#reconcileOnce(key)
      } finally {
        queue.done(key)
      }
    }
  }

  async #reconcileOnce(key: string): Promise<void> {
    const { name, reconcile, queue, signal, metrics } = this.#parts
    const finish = metrics?.startPass(name)
    try {
      const { recheckAfterMs } = await reconcile(keyFromText(key), signal)
      queue.forgetFailures(key)
      if (recheckAfterMs !== undefined) queue.addAfter(key, recheckAfterMs)
      finish?.('done')
    } catch (error) {
      finish?.(error instanceof TerminalError ? 'terminal' : 'retry')
      this.#failed(key, error)
    }
  }

  #failed(key: string, error: unknown): void {
    const { queue, logger, signal } = this.#parts
    if (error instanceof InvariantError) throw error
    if (signal.aborted) return
    if (error instanceof TerminalError) {
      queue.forgetFailures(key)
      logger.warn({ key, err: error }, 'cannot go on until its spec changes')
      return
    }
    const isOrdinary = isStatusError(error, 'Conflict') || isStatusError(error, 'AlreadyExists')
    logger[isOrdinary ? 'debug' : 'warn']({ key, err: error }, 'pass failed; will be tried again')
    queue.addAfterFailure(key)
  }
}
