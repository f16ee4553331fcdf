import type { Timer } from '../machinery/clock.ts'
import type { ServedKind } from './served-kind.ts'
import { reclaimReservations } from './services/reclaim-reservations.ts'
import type { WriteEnvironment } from './write/write-environment.ts'

const RECLAIM_EVERY_MS = 180_000

/** What the registry does by itself from time to time: gives back reservations that a crash left behind. */
export class Maintenance {
  readonly #environment: WriteEnvironment
  readonly #services: ServedKind
  readonly #timers = new Set<Timer>()
  #running: Promise<void> = Promise.resolve()

  constructor(environment: WriteEnvironment, services: ServedKind) {
    this.#environment = environment
    this.#services = services
  }

  start(): void {
    this.#repeat(RECLAIM_EVERY_MS, () => this.#reclaim())
    this.#run(() => this.#reclaim())
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    await this.#running
  }

  #repeat(everyMs: number, work: () => Promise<void>): void {
    const timer = this.#environment.clock.schedule(everyMs, () => {
      this.#timers.delete(timer)
      this.#run(work)
      this.#repeat(everyMs, work)
    })
    this.#timers.add(timer)
  }

  /** One after the other; a failure waits for the next time. */
  #run(work: () => Promise<void>): void {
    this.#running = this.#running.then(work).catch(error => {
      this.#environment.logger.warn({ error }, 'maintenance failed, trying again later')
    })
  }

  #reclaim(): Promise<void> {
    const { info } = this.#services
    return reclaimReservations({
      kind: this.#services,
      call: { verb: 'delete', group: info.group, version: info.version, resource: info.plural },
      context: { user: { name: 'system:apiserver', groups: ['system:masters'] }, warn: () => {} },
      environment: this.#environment,
    })
  }
}
