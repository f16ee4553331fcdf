import { Registry } from 'prom-client'
import { apiClient } from '../client/api-client.ts'
import { ApiEventRecorder, type EventSource } from '../client/api-event-recorder.ts'
import type { Client } from '../client/client.ts'
import type { Dependencies } from '../client/controller.ts'
import { SharedInformers } from '../client/shared-informers.ts'
import type { ApiTransport } from '../machinery/api-call.ts'
import type { Logger } from '../machinery/logger.ts'
import { systemClock as clock } from '../machinery/system-clock.ts'
import { systemRandom as random } from '../machinery/system-random.ts'

/** Makes clients, informers and recorders over any transport, for the components of one process. */
export class ComponentClients implements AsyncDisposable {
  readonly informers: SharedInformers
  readonly #transportFor: (component: string) => ApiTransport
  readonly #logger: Logger
  /** Of this process. */
  readonly metrics: Registry

  constructor(transportFor: (component: string) => ApiTransport, logger: Logger, metrics = new Registry()) {
    this.metrics = metrics
    this.#transportFor = transportFor
    this.#logger = logger
    this.informers = new SharedInformers({ client: this.client('informers'), clock, random, logger })
  }

  client(component: string): Client {
    return apiClient(this.#transportFor(component), { fieldManager: component })
  }

  /** What a component may know of the world; `host` for those that belong to one machine. */
  dependencies(source: EventSource): Dependencies {
    const client = this.client(source.component)
    const logger = this.#logger.child({ component: source.component })
    const events = new ApiEventRecorder(source, { client, clock, random, logger })
    return { client, informers: this.informers, events, clock, random, logger, metrics: this.metrics }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.informers.stop()
  }
}
