import { parseAllDocuments } from 'yaml'
import { Event, Pod, type Pod as PodObject } from '../api/core-v1/types.ts'
import type { Kind, KubernetesObject, Unsaved } from '../api/kind.ts'
import { apiClient } from '../client/api-client.ts'
import type { Client } from '../client/client.ts'
import type { VirtualClock } from '../fakes/virtual-clock.ts'
import type { ApiTransport } from '../machinery/api-call.ts'
import { durationMsOf } from '../machinery/duration.ts'
import type { JsonObject, JsonValue } from '../machinery/json.ts'
import type { ClusterNames } from './cluster-names.ts'
import type { ControlComponents } from './control-components.ts'
import type { ControlPlane } from './control-plane.ts'
import { byTime, describeCluster } from './describe-cluster.ts'
import type { History } from './history.ts'
import type { MachineEndpoints } from './machine-endpoints.ts'
import type { ResourceNames } from './resource-names.ts'
import { type ServedCluster, type ServeOptions, serveCluster } from './served-cluster.ts'
import { type Activity, type SettleOptions, settle } from './settle.ts'
import type { SimulatedMachine } from './simulated-machine.ts'

/** An object as people write it, or YAML text with any number of them. */
export type Manifest = string | object | readonly object[]

export interface ClusterParts {
  readonly clock: VirtualClock
  readonly activity: Activity
  readonly history: History
  readonly plane: ControlPlane
  readonly controllers: ControlComponents
  readonly names: ClusterNames
  readonly resourceNames: () => ResourceNames
  readonly machines: readonly SimulatedMachine[]
  readonly endpoints: MachineEndpoints
  readonly close: () => Promise<void>
}

interface Named {
  readonly name?: string
  readonly generateName?: string
  readonly namespace?: string
}

const FIELD_MANAGER = 'test'
const FORCED = { force: true } as const
/** Virtual time that `waitFor` gives a condition. */
const WAIT_LIMIT_MS = 300_000

/** A complete cluster inside the test process. Nothing happens in it but what a call sets in motion. */
export class Cluster implements AsyncDisposable {
  readonly clock: VirtualClock
  /** With all rights. */
  readonly client: Client
  readonly #parts: ClusterParts
  readonly #served: ServedCluster[] = []

  constructor(parts: ClusterParts) {
    this.#parts = parts
    this.clock = parts.clock
    this.client = apiClient(parts.plane.transport('test'), { fieldManager: FIELD_MANAGER })
  }

  /** The machine of this name. Throws when there is none. */
  node(name: string): SimulatedMachine {
    const machine = this.#parts.machines.find(candidate => candidate.name === name)
    if (!machine)
      throw new Error(`no machine "${name}"; there are: ${this.#parts.machines.map(each => each.name).join(', ')}`)
    return machine
  }

  /** The way to the server, for a client of one's own, with all rights. */
  transport(name: string): ApiTransport {
    return this.#parts.plane.transport(name)
  }

  get nodes(): readonly SimulatedMachine[] {
    return this.#parts.machines
  }

  /**
   * Server-side apply of objects, or of YAML with any number of them, in the order written; without a namespace they go to
   * `default`. What others own is taken over.
   */
  async apply(manifest: Manifest): Promise<void> {
    for (const object of objectsOf(manifest)) {
      const kind = this.#parts.resourceNames().kindOf(object)
      const { name, generateName, namespace = 'default' } = object.metadata as Named
      const body = kind.namespaced ? { ...object, metadata: { ...(object.metadata as JsonObject), namespace } } : object
      if (name === undefined && generateName !== undefined) {
        await this.client.create(kind, body as unknown as Unsaved<KubernetesObject>)
      } else if (name === undefined) {
        throw new Error(`an object of kind ${String(object.kind)} has no name`)
      } else {
        await this.client.patch(kind, kind.namespaced ? { namespace, name } : { name }, { type: 'apply', body }, FORCED)
      }
    }
  }

  /** Lets time pass until nothing but heartbeats happens. Throws, with what was seen, when the world does not come to rest. */
  async settle(options?: SettleOptions): Promise<void> {
    try {
      await settle(this.clock, this.#parts.activity, options)
    } catch (error) {
      const seen = await this.describe()
      throw new Error(`${error instanceof Error ? error.message : String(error)}; seen:\n${seen}`, { cause: error })
    }
  }

  /** Lets time pass: milliseconds, or a duration such as `5m`. */
  advance(time: number | string): Promise<void> {
    return this.clock.advance(typeof time === 'number' ? time : durationMsOf(time))
  }

  /** `find('statefulset/web')`; undefined when it is not there. */
  async find<T extends KubernetesObject = KubernetesObject>(
    reference: string,
    namespace?: string,
  ): Promise<T | undefined> {
    const { kind, key } = this.#parts.resourceNames().reference(reference, namespace)
    return this.client.find(kind as Kind<T>, key)
  }

  /** As `find`, but throws NotFound. */
  async get<T extends KubernetesObject = KubernetesObject>(reference: string, namespace?: string): Promise<T> {
    const { kind, key } = this.#parts.resourceNames().reference(reference, namespace)
    return this.client.get(kind as Kind<T>, key)
  }

  async scale(reference: string, replicas: number, namespace?: string): Promise<void> {
    const { kind, key } = this.#parts.resourceNames().reference(reference, namespace)
    await this.client.patch(kind, key, { type: 'merge', subresource: 'scale', body: { spec: { replicas } } })
  }

  async patch(reference: string, body: JsonValue, namespace?: string): Promise<void> {
    const { kind, key } = this.#parts.resourceNames().reference(reference, namespace)
    await this.client.patch(kind, key, { type: kind.group.includes('.') ? 'merge' : 'strategic', body })
  }

  async delete(
    reference: string,
    options: {
      readonly namespace?: string
      readonly gracePeriodSeconds?: number
      readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
    } = {},
  ): Promise<void> {
    const { namespace, ...deletion } = options
    const { kind, key } = this.#parts.resourceNames().reference(reference, namespace)
    await this.client.delete(kind, key, deletion)
  }

  async pods(namespace = 'default'): Promise<readonly PodObject[]> {
    const { items } = await this.client.list(Pod, { namespace })
    return items
  }

  /** Sorted; Pods that are terminating included. */
  async podNames(namespace = 'default'): Promise<readonly string[]> {
    const pods = await this.pods(namespace)
    return pods.map(({ metadata }) => metadata.name).sort()
  }

  /** `Reason message` of every event about an object (`statefulset/web`), or of all, oldest first. */
  async events(reference?: string, namespace = 'default'): Promise<readonly string[]> {
    const about = reference ? this.#parts.resourceNames().reference(reference, namespace) : undefined
    const { items } = await this.client.list(Event, { namespace })
    return items
      .filter(
        ({ involvedObject }) =>
          !about || (involvedObject.kind === about.kind.kind && involvedObject.name === about.key.name),
      )
      .sort(byTime)
      .map(({ reason, message }) => `${reason} ${message}`)
  }

  /**
   * Lets time pass until `condition` answers something. Throws after five virtual minutes, with what `describe` says was
   * seen instead.
   */
  async waitFor<T>(
    what: string,
    condition: () => Promise<T | undefined | false> | T | undefined | false,
    describe: () => Promise<string> = () => this.describe(),
  ): Promise<T> {
    const deadlineMs = this.clock.monotonicMs() + WAIT_LIMIT_MS
    for (;;) {
      await this.clock.rest()
      const answer = await condition()
      if (answer) return answer
      const nextMs = this.clock.untilNextMs()
      if (nextMs === undefined || this.clock.monotonicMs() + nextMs > deadlineMs) {
        throw new Error(`waited in vain for ${what}; seen instead:\n${await describe()}`)
      }
      await this.clock.advance(nextMs)
    }
  }

  /** Why sets wait, one line a Pod, machines that are not well, the last events: what a person would look at first. */
  describe(namespace = 'default'): Promise<string> {
    return describeCluster(this.client, namespace)
  }

  /** What the cluster's DNS says of a name: `resolve('web-0.nginx.default')` gives addresses. */
  resolve(name: string, type?: 'A' | 'SRV' | 'CNAME' | 'PTR'): Promise<readonly string[]> {
    return this.#parts.names.resolve(name, type)
  }

  /** Ends controllers and scheduler in mid-step, and starts others, which know nothing of what those did. */
  restartControllers(): void {
    this.#parts.controllers.crash()
    this.#parts.controllers.start()
  }

  /** Ends the server with all its watches, and starts another over the same store. */
  restartServer(): Promise<void> {
    return this.#parts.plane.restartServer()
  }

  /** Takes the power away from the server: of what it had under way nothing more is written. Another starts. */
  killServer(): Promise<void> {
    return this.#parts.plane.killServer()
  }

  /** Opens the API to programs outside this process, with kubeconfig, until the cluster is closed; time then passes by itself. */
  async serve(options?: ServeOptions): Promise<ServedCluster> {
    const { plane, endpoints } = this.#parts
    const served = await serveCluster({ plane, endpoints, clock: this.clock }, options)
    this.#served.push(served)
    return served
  }

  /** One number for everything that was ever written: two runs with equal numbers had the same history, byte for byte. */
  historyDigest(): string {
    return this.#parts.history.digest()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#served.map(served => served[Symbol.asyncDispose]()))
    const closing = this.#parts.close()
    let isClosed = false
    const closed = closing.finally(() => {
      isClosed = true
    })
    closed.catch(() => {}) // Thrown below.
    // What is under way may need time to end, as a write to a slow disk does.
    for (await this.clock.rest(); !isClosed; await this.clock.rest()) {
      const nextMs = this.clock.untilNextMs()
      if (nextMs === undefined) break
      await this.clock.advance(nextMs)
    }
    await closed
  }
}

function objectsOf(manifest: Manifest): readonly JsonObject[] {
  if (typeof manifest !== 'string') return (Array.isArray(manifest) ? manifest : [manifest]) as JsonObject[]
  return parseAllDocuments(manifest).flatMap(document => {
    if (document.errors[0]) throw document.errors[0]
    const object = document.toJS() as JsonObject | null
    return object === null ? [] : [object]
  })
}
