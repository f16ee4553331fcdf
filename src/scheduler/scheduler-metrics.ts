import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { QueuedState, SchedulingQueue } from './queue.ts'

const WAITING_STATES: readonly QueuedState[] = ['active', 'backoff', 'unschedulable', 'gated']

/** What the scheduler counts, under the names that dashboards for upstream's look for. */
export class SchedulerMetrics {
  readonly #attempts: Counter<'result'>
  readonly #seconds: Histogram<'result'>
  readonly #monotonicMs: () => number
  #queue: SchedulingQueue | undefined

  constructor(registry: Registry, monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
    const registers = [registry]
    this.#attempts = new Counter({
      name: 'scheduler_schedule_attempts_total',
      help: 'Attempts to place a Pod, by result.',
      labelNames: ['result'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'scheduler_scheduling_attempt_duration_seconds',
      help: 'Duration of one decision, without binding.',
      labelNames: ['result'],
      buckets: [0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1],
      registers,
    })
    const findQueue = (): SchedulingQueue | undefined => this.#queue
    new Gauge({
      name: 'scheduler_pending_pods',
      help: 'Pods that wait, by what they wait for.',
      labelNames: ['queue'],
      registers,
      collect() {
        for (const state of WAITING_STATES) this.set({ queue: state }, findQueue()?.count(state) ?? 0)
      },
    })
  }

  observeQueue(queue: SchedulingQueue): void {
    this.#queue = queue
  }

  /** Starts the watch for one decision; call the answer with its result. */
  startAttempt(): (result: 'scheduled' | 'unschedulable') => void {
    const startedMs = this.#monotonicMs()
    return result => {
      this.#attempts.inc({ result })
      this.#seconds.observe({ result }, (this.#monotonicMs() - startedMs) / 1000)
    }
  }

  /** A Pod that had its machine could not be bound to it. */
  countFailure(): void {
    this.#attempts.inc({ result: 'error' })
  }
}
