import { Registry as MetricsRegistry } from 'prom-client'
import type { Kind, KubernetesObject } from '../api/kind.ts'
import { apiClient } from '../client/api-client.ts'
import { ApiEventRecorder, type EventSource } from '../client/api-event-recorder.ts'
import type { Dependencies } from '../client/controller.ts'
import { SharedInformers } from '../client/shared-informers.ts'
import { CuttableTransport } from '../fakes/cuttable-transport.ts'
import type { VirtualClock } from '../fakes/virtual-clock.ts'
import type { ApiTransport } from '../machinery/api-call.ts'
import type { Component } from '../machinery/component.ts'
import type { FeatureGates } from '../machinery/feature-gates.ts'
import type { Logger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import { createRegistry } from '../registry/create-registry.ts'
import type { Registry, UserInfo } from '../registry/resource.ts'
import { type ApiServer, createApiServer } from '../server/api-server.ts'
import { allowAll } from '../server/authorization/authorizer.ts'
import { openApiServer } from '../server/open-api-server.ts'
import type { NodeConnection } from '../server/streams/node-connection.ts'
import { type Store, StoreError } from '../store/store.ts'
import { simulatedTokenKey, writeFirstObjects } from './first-objects.ts'
import type { NamedResource } from './resource-names.ts'

export interface ControlPlaneOptions {
  readonly store: Store
  readonly clock: VirtualClock
  readonly random: Random
  readonly logger: Logger
  readonly featureGates?: FeatureGates
  /** The way to the kubelets, for logs, exec and the like. */
  readonly nodes?: NodeConnection
}

/** The server that is up now, over the store that outlives it. */
interface Serving {
  readonly registry: Registry
  readonly server: ApiServer
  /** From now on nothing more of it reaches the store. */
  sever(): void
  close(): Promise<void>
}

const MASTERS = ['system:masters', 'system:authenticated']
/**
 * Server and registry over a store, with everything that its clients need to exist. Constructed, it is a bare server that
 * lets everybody do everything; `open` makes one with the access rules, admission and first objects of a real cluster.
 */
export class ControlPlane {
  readonly #options: ControlPlaneOptions
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>[] = []
  readonly #informers: SharedInformers[] = []
  /** The connections to the server that is up now. */
  readonly #lines: CuttableTransport[] = []
  #serving: Serving
  #serve: () => Promise<Serving>

  constructor(options: ControlPlaneOptions, serving: Serving = bareServer(options)) {
    this.#options = options
    this.#serving = serving
    this.#serve = async () => bareServer(options)
  }

  static async open(options: ControlPlaneOptions): Promise<ControlPlane> {
    await writeFirstObjects(options.store, options.clock.now())
    const serve = () => wholeServer(options)
    const plane = new ControlPlane(options, await serve())
    plane.#serve = serve
    return plane
  }

  /** Aborted when the cluster closes. */
  get closing(): AbortSignal {
    return this.#stopping.signal
  }

  get registry(): Registry {
    return this.#serving.registry
  }

  get server(): ApiServer {
    return this.#serving.server
  }

  /** The way to whichever server is up, with all rights unless groups are named. */
  transport(name: string, groups: readonly string[] = MASTERS): ApiTransport {
    const user: UserInfo = { name, groups: [...groups] }
    let known: { readonly server: ApiServer; readonly line: CuttableTransport } | undefined
    const current = (): ApiTransport => {
      const { server } = this.#serving
      if (known?.server !== server) {
        known = { server, line: new CuttableTransport(server.transportFor(user)) }
        this.#lines.push(known.line)
      }
      return known.line
    }
    return {
      request: (call, signal) => current().request(call, signal),
      watch: (call, signal) => current().watch(call, signal),
    }
  }

  /** Held to what the node authorizer allows this machine. */
  transportForNode(nodeName: string): ApiTransport {
    return this.transport(`system:node:${nodeName}`, ['system:nodes', 'system:authenticated'])
  }

  /** As `restartServer`, but as by a loss of power: of what was under way nothing more is written. */
  killServer(): Promise<void> {
    this.#serving.sever()
    return this.restartServer()
  }

  /** The server ends, every connection to it breaks, and another starts over the same store. */
  async restartServer(): Promise<void> {
    const cutAll = (): void => {
      for (const line of this.#lines.splice(0)) line.cut()
    }
    cutAll()
    const former = this.#serving
    this.#serving = await this.#serve()
    cutAll() // Also those who came anew while it ended.
    this.#running.push(former.close())
  }

  /** What a component of this name may know of the world. Informers are shared by all who hand in the same factory. */
  dependencies(
    source: EventSource,
    informers: SharedInformers,
    transport: ApiTransport = this.transport(`system:${source.component}`),
  ): Dependencies {
    const { clock, random, logger } = this.#options
    const client = apiClient(transport, { fieldManager: source.component })
    return {
      client,
      informers,
      events: new ApiEventRecorder(source, { client, clock, random, logger }),
      clock,
      random,
      logger: logger.child({ component: source.component }),
    }
  }

  newInformers(name: string, transport: ApiTransport = this.transport(`system:${name}`)): SharedInformers {
    const { clock, random, logger } = this.#options
    const informers = new SharedInformers({ client: apiClient(transport), clock, random, logger })
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
    await this.#serving.close()
  }
}

/** No access rules and no admission: for tests of one component, which make the objects that they need. */
function bareServer({ store, clock, random, logger, featureGates = {} }: ControlPlaneOptions): Serving {
  const registry = createRegistry({ store, clock, random, logger, featureGates, admission: [] })
  const metrics = new MetricsRegistry()
  const server = createApiServer({
    registry,
    clock,
    random,
    logger,
    metrics,
    authentication: [],
    authorization: allowAll,
  })
  return {
    registry,
    server,
    sever() {},
    async close() {
      await server.close()
      await registry.close()
    },
  }
}

/** As `holdfast server` has it. */
async function wholeServer({
  clock,
  random,
  logger,
  featureGates = {},
  ...options
}: ControlPlaneOptions): Promise<Serving> {
  const { store, sever } = severable(options.store)
  const { nodes } = options
  const server = await openApiServer({
    createRegistry: admission => createRegistry({ store, clock, random, logger, featureGates, admission }),
    clock,
    random,
    logger,
    metrics: new MetricsRegistry(),
    tokenKeys: { signing: simulatedTokenKey },
    ...(nodes && { nodes }),
  })
  return { registry: server.registry, server, sever, close: () => server.close() }
}

/** A store whose writes one server may make until it is severed from it. */
function severable(store: Store): { readonly store: Store; sever(): void } {
  let isSevered = false
  const commit: Store['commit'] = write =>
    isSevered ? Promise.reject(new StoreError('closed', 'the server is no more')) : store.commit(write)
  const severed = new Proxy(store, {
    get: (target, name) => {
      if (name === 'commit') return commit
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  return {
    store: severed,
    sever() {
      isSevered = true
    },
  }
}
