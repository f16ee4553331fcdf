import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Clock } from '../machinery/clock.ts'
import { type Create, type Delete, StoreError, type Update } from './store.ts'

/** What a driver tells when it is asked. */
export interface StoreGauges {
  readonly revision: () => number
  readonly watchers: () => number
  /** Batches that the slowest watcher has not taken. */
  readonly backlog: () => number
  /** Changes kept for reads at old revisions; absent where the driver cannot know. */
  readonly historyChanges?: () => number
}

/** What every driver counts. */
export class StoreMetrics {
  readonly #commits: Counter<'type' | 'outcome'>
  readonly #seconds: Histogram
  readonly #groupSize: Histogram
  readonly #registry: Registry

  constructor(registry: Registry) {
    this.#registry = registry
    const registers = [registry]
    this.#commits = new Counter({
      name: 'holdfast_store_commits_total',
      help: 'Commits, by type and by outcome: done or the code of the error.',
      labelNames: ['type', 'outcome'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'holdfast_store_commit_seconds',
      help: 'Time from the call of a commit to its durable end.',
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.2, 1],
      registers,
    })
    this.#groupSize = new Histogram({
      name: 'holdfast_store_group_size',
      help: 'Commits that shared one flush.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
      registers,
    })
  }

  group(size: number): void {
    this.#groupSize.observe(size)
  }

  /** Counts and times `commit`. */
  async measure<T>(
    write: Create | Update | Delete,
    { clock, commit }: { clock: Clock; commit: () => Promise<T> },
  ): Promise<T> {
    const startMs = clock.monotonicMs()
    try {
      const result = await commit()
      this.#commits.inc({ type: write.type, outcome: 'done' })
      return result
    } catch (error) {
      this.#commits.inc({ type: write.type, outcome: error instanceof StoreError ? error.code : 'error' })
      throw error
    } finally {
      this.#seconds.observe((clock.monotonicMs() - startMs) / 1000)
    }
  }

  observe(gauges: StoreGauges): void {
    this.#gauge('holdfast_store_revision', 'The last durable revision.', gauges.revision)
    this.#gauge('holdfast_store_watchers', 'Watches that follow the store.', gauges.watchers)
    this.#gauge('holdfast_store_watch_backlog', 'Batches that the slowest watcher has not taken.', gauges.backlog)
    if (gauges.historyChanges)
      this.#gauge('holdfast_store_history_changes', 'Changes kept for old revisions.', gauges.historyChanges)
  }

  #gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(value())
      },
    })
  }
}
