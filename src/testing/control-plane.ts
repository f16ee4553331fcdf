import { Registry as MetricsRegistry } from 'prom-client'
import type { Kind, KubernetesObject } from '../api/kind.ts'
import { apiClient } from '../client/api-client.ts'
import { ApiEventRecorder, type EventSource } from '../client/api-event-recorder.ts'
import type { Dependencies } from '../client/controller.ts'
import { SharedInformers } from '../client/shared-informers.ts'
import type { VirtualClock } from '../fakes/virtual-clock.ts'
import type { ApiTransport } from '../machinery/api-call.ts'
import type { Component } from '../machinery/component.ts'
import type { Logger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import { createRegistry } from '../registry/create-registry.ts'
import type { Registry, UserInfo } from '../registry/resource.ts'
import { type ApiServer, createApiServer } from '../server/api-server.ts'
import { allowAll } from '../server/authorization/authorizer.ts'
import type { Store } from '../store/store.ts'
import type { NamedResource } from './resource-names.ts'

export interface ControlPlaneOptions {
  readonly store: Store
  readonly clock: VirtualClock
  readonly random: Random
  readonly logger: Logger
}

/** Server and registry over a store, with everything that its clients need to exist. */
export class ControlPlane {
  readonly registry: Registry
  readonly server: ApiServer
  readonly #options: ControlPlaneOptions
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>[] = []
  readonly #informers: SharedInformers[] = []

  constructor(options: ControlPlaneOptions) {
    const { store, clock, random, logger } = options
    this.#options = options
    this.registry = createRegistry({ store, clock, random, logger, admission: [] })
    this.server = createApiServer({
      registry: this.registry,
      clock,
      random,
      logger,
      metrics: new MetricsRegistry(),
      authentication: [],
      authorization: allowAll,
    })
  }

  transport(name: string): ApiTransport {
    return this.server.transportFor({ name, groups: ['system:masters', 'system:authenticated'] } satisfies UserInfo)
  }

  /** What a component of this name may know of the world. Informers are shared by all who hand in the same factory. */
  dependencies(source: EventSource, informers: SharedInformers): Dependencies {
    const { clock, random, logger } = this.#options
    const client = apiClient(this.transport(`system:${source.component}`), { fieldManager: source.component })
    return {
      client,
      informers,
      events: new ApiEventRecorder(source, { client, clock, random, logger }),
      clock,
      random,
      logger: logger.child({ component: source.component }),
    }
  }

  newInformers(name: string): SharedInformers {
    const { clock, random, logger } = this.#options
    const informers = new SharedInformers({
      client: apiClient(this.transport(`system:${name}`)),
      clock,
      random,
      logger,
    })
    this.#informers.push(informers)
    return informers
  }

  /** Runs a component until the control plane closes. What it throws is thrown by `close`. */
  run(component: Component, signal: AbortSignal = this.#stopping.signal): Promise<void> {
    const running = component.run(signal)
    this.#running.push(running)
    running.catch(error => this.#options.logger.error({ err: error, component: component.name }, 'component ended'))
    return running
  }

  resources(): readonly NamedResource[] {
    return this.registry.resources().map(({ info }) => ({
      kind: {
        group: info.group,
        version: info.version,
        apiVersion: info.group ? `${info.group}/${info.version}` : info.version,
        kind: info.kind,
        plural: info.plural,
        namespaced: info.namespaced,
      } satisfies Kind<KubernetesObject>,
      shortNames: info.shortNames,
    }))
  }

  async close(): Promise<void> {
    this.#stopping.abort(new Error('the cluster is closed'))
    await Promise.all([...this.#running, ...this.#informers.map(informers => informers.stop())])
    await this.server.close()
    await this.registry.close()
  }
}
