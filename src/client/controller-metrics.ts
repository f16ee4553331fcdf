import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { WorkQueue } from './work-queue.ts'

export type PassOutcome = 'done' | 'retry' | 'terminal'

/** What every controller counts: passes by outcome, their duration, the keys that wait. */
export class ControllerMetrics {
  readonly #passes: Counter<'controller' | 'outcome'>
  readonly #seconds: Histogram<'controller'>
  readonly #queues = new Map<string, WorkQueue>()
  readonly #monotonicMs: () => number

  constructor(registry: Registry, monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
    const queues = this.#queues
    this.#passes = new Counter({
      name: 'holdfast_controller_passes_total',
      help: 'Passes of a controller over one key, by outcome.',
      labelNames: ['controller', 'outcome'],
      registers: [registry],
    })
    this.#seconds = new Histogram({
      name: 'holdfast_controller_pass_seconds',
      help: 'Duration of one pass.',
      labelNames: ['controller'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
      registers: [registry],
    })
    new Gauge({
      name: 'workqueue_depth',
      help: 'Keys that wait for a worker.',
      labelNames: ['name'],
      registers: [registry],
      collect() {
        for (const [name, queue] of queues) this.set({ name }, queue.depth)
      },
    })
  }

  observeQueue(controller: string, queue: WorkQueue): void {
    this.#queues.set(controller, queue)
  }

  /** Starts the watch for one pass; call the answer with how it ended. */
  startPass(controller: string): (outcome: PassOutcome) => void {
    const startedMs = this.#monotonicMs()
    return outcome => {
      this.#seconds.observe({ controller }, (this.#monotonicMs() - startedMs) / 1000)
      this.#passes.inc({ controller, outcome })
    }
  }
}
