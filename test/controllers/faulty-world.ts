import { ReplicaSet } from '../../src/api/apps-v1/types.ts'
import { Namespace, Pod } from '../../src/api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../src/api/kind.ts'
import { apiClient } from '../../src/client/api-client.ts'
import type { Client } from '../../src/client/client.ts'
import { controllerComponent } from '../../src/client/run-controller.ts'
import { SharedInformers } from '../../src/client/shared-informers.ts'
import { controllerDefinitions } from '../../src/controllers/controllers.ts'
import { instantKubelet, registerInstantNode } from '../../src/fakes/instant-kubelet.ts'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { controllerOf } from '../../src/machinery/object.ts'
import { isPodActive } from '../../src/machinery/pod-state.ts'
import { integerBelow, type Random } from '../../src/machinery/random.ts'
import { createScheduler } from '../../src/scheduler/scheduler.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { ControlPlane } from '../../src/testing/control-plane.ts'
import { faultyWrites, lateWatches } from '../stateful-set/tampering.ts'

const LATE_MS_MAX = 300
/** Its machines send no heartbeats. */
const LEFT_OUT = new Set(['node-lifecycle', 'taint-eviction'])

/** All controllers between which and the server writes fail and changes come late, until told otherwise. */
export class FaultyWorld implements AsyncDisposable {
  readonly clock = new VirtualClock()
  readonly random: Random
  readonly client: Client
  /** Broken rules, as sentences. */
  readonly violations: string[] = []
  isFaulty = true
  readonly #plane: ControlPlane
  readonly #stop = new AbortController()
  #informers: SharedInformers | undefined
  #leading = new AbortController()

  private constructor(seed: number) {
    this.random = seededRandom(seed)
    const store = memoryStore({ clock: this.clock })
    this.#plane = new ControlPlane({ store, clock: this.clock, random: this.random, logger: silentLogger })
    this.client = apiClient(this.#plane.transport('test'), { fieldManager: 'test' })
  }

  static async start(seed: number): Promise<FaultyWorld> {
    const world = new FaultyWorld(seed)
    await world.#plane.registry.whenReady()
    for (const name of ['default', 'demo']) await world.client.create(Namespace, { metadata: { name }, spec: {} })
    for (const name of ['n1', 'n2']) await registerInstantNode(world.client, name, { now: world.clock.now() })
    world.#runControllers()
    world.#runMachines()
    world.#checkSizes()
    await world.clock.advance(1000)
    return world
  }

  #runControllers(): void {
    const faults = faultyWrites(this.random, () => this.isFaulty)
    const late = lateWatches(async () => {
      if (this.isFaulty) await this.clock.sleep(integerBelow(this.random, LATE_MS_MAX))
    })
    const plain = this.#plane.dependencies({ component: 'controllers' }, this.#plane.newInformers('unused'))
    const client = apiClient(late(faults(plain.client.transport)), { fieldManager: 'controllers' })
    this.#informers = new SharedInformers({ ...plain, client })
    const dependencies = { ...plain, client, informers: this.#informers }
    for (const definition of controllerDefinitions()) {
      if (LEFT_OUT.has(definition.name)) continue
      void this.#plane.run(controllerComponent(definition, dependencies), this.#leading.signal)
    }
  }

  /** The leader is lost in the middle of whatever it does, and another takes over, which knows nothing of it. */
  changeLeader(): void {
    this.#leading.abort(new Error('no longer the leader'))
    void this.#informers?.stop()
    this.#leading = new AbortController()
    this.#runControllers()
  }

  #runMachines(): void {
    const dependencies = this.#plane.dependencies({ component: 'kubelet' }, this.#plane.newInformers('machines'))
    void this.#plane.run(controllerComponent(instantKubelet, dependencies))
    void this.#plane.run(createScheduler(dependencies))
  }

  /** No ReplicaSet ever has more Pods at work than it was ever told to have. */
  #checkSizes(): void {
    const sizes = new Map<string, number>()
    const active = new Map<string, Set<string>>()
    void this.#follow(ReplicaSet, ({ object }) => {
      const { uid } = object.metadata
      sizes.set(uid, Math.max(sizes.get(uid) ?? 0, object.spec.replicas ?? 1))
    })
    void this.#follow(Pod, ({ type, object }) => {
      const owner = controllerOf(object)
      if (owner?.kind !== 'ReplicaSet') return
      const pods = active.get(owner.uid) ?? new Set()
      active.set(owner.uid, pods)
      if (type === 'DELETED' || !isPodActive(object)) pods.delete(object.metadata.name)
      else pods.add(object.metadata.name)
      const size = sizes.get(owner.uid) ?? 0
      if (pods.size > size)
        this.violations.push(`${owner.name} has ${pods.size} Pods, and never wanted more than ${size}`)
    })
  }

  async #follow<T extends KubernetesObject>(
    kind: Kind<T>,
    note: (event: { readonly type: string; readonly object: T }) => void,
  ): Promise<void> {
    for await (const event of this.client.watch(kind, { signal: this.#stop.signal })) {
      if (event.type !== 'BOOKMARK') note(event)
    }
  }

  /** Faults end, and the longest back-off passes. */
  async recover(): Promise<void> {
    this.isFaulty = false
    await this.clock.advance(1_100_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#leading.abort()
    await this.#informers?.stop()
    await this.#plane.close()
  }
}
