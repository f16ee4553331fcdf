import type { Service } from '../api/core-v1/types.ts'
import type { Logger } from '../machinery/logger.ts'

export interface HealthAnswer {
  readonly status: number
  readonly body: string
}

/** The door to plain HTTP servers of this machine, at every address of it. */
export interface HealthDoor {
  /** Rejects when the port cannot be had. */
  listen(port: number, answer: () => HealthAnswer): Promise<AsyncDisposable>
}

interface Open {
  readonly port: number
  readonly server: Promise<AsyncDisposable | undefined>
}

/** The health-check node ports: load balancers ask there whether this machine has an endpoint of the Service. */
export class HealthChecks implements AsyncDisposable {
  readonly #door: HealthDoor
  readonly #logger: Logger
  readonly #open = new Map<string, Open>()
  readonly #localEndpoints = new Map<string, number>()

  constructor(door: HealthDoor, logger: Logger) {
    this.#door = door
    this.#logger = logger
  }

  /** Serves the Service's port if it has one; `service` is undefined when it is gone. */
  follow(key: string, service: Service | undefined, localEndpoints: number): void {
    this.#localEndpoints.set(key, localEndpoints)
    const port = service && healthPortOf(service)
    const open = this.#open.get(key)
    if (open?.port === port) return
    if (open) void this.#close(key, open)
    if (port !== undefined) this.#open.set(key, { port, server: this.#listen(key, port, open) })
    if (!service) this.#localEndpoints.delete(key)
  }

  async #listen(key: string, port: number, previous: Open | undefined): Promise<AsyncDisposable | undefined> {
    await previous?.server
    try {
      return await this.#door.listen(port, () => healthAnswer(key, this.#localEndpoints.get(key) ?? 0))
    } catch (error) {
      this.#logger.warn({ err: error, service: key, port }, 'cannot open the health-check port')
      return undefined
    }
  }

  async #close(key: string, open: Open): Promise<void> {
    if (this.#open.get(key) === open) this.#open.delete(key)
    const server = await open.server
    await server?.[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map(([key, open]) => this.#close(key, open)))
  }
}

function healthPortOf({ spec }: Service): number | undefined {
  const wantsCheck = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
  return wantsCheck && spec.healthCheckNodePort ? spec.healthCheckNodePort : undefined
}

/** In the form that load balancers know from other clusters. */
function healthAnswer(key: string, localEndpoints: number): HealthAnswer {
  const [namespace, name] = key.split('/')
  const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: true }
  return { status: localEndpoints > 0 ? 200 : 503, body: `${JSON.stringify(body)}\n` }
}
