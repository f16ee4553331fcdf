import type { Registry } from 'prom-client'
import { StatefulSet, type StatefulSetStatus } from '../../src/api/apps-v1/types.ts'
import { Event, Namespace, PersistentVolumeClaim, Pod } from '../../src/api/core-v1/types.ts'
import type { Kind, KubernetesObject, Unsaved } from '../../src/api/kind.ts'
import { apiClient } from '../../src/client/api-client.ts'
import type { Client } from '../../src/client/client.ts'
import type { ControllerDefinition } from '../../src/client/controller.ts'
import { controllerComponent } from '../../src/client/run-controller.ts'
import { SharedInformers } from '../../src/client/shared-informers.ts'
import { garbageCollector } from '../../src/controllers/garbage-collector/garbage-collector.ts'
import { defaultFeatures, type StatefulSetFeatures } from '../../src/controllers/stateful-set/features.ts'
import { statefulSetController } from '../../src/controllers/stateful-set/stateful-set-controller.ts'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import type { JsonValue } from '../../src/machinery/json.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { ControlPlane } from '../../src/testing/control-plane.ts'
import { PuppetKubelet } from './puppet-kubelet.ts'
import type { Tampering } from './tampering.ts'

const NAMESPACE = 'default'

export interface StageOptions {
  readonly features?: Partial<StatefulSetFeatures>
  /** Runs beside the StatefulSet controller and the garbage collector. */
  readonly controllers?: readonly ControllerDefinition[]
  /** Stands between the StatefulSet controller, its caches included, and the server. */
  readonly tampering?: Tampering
  readonly seed?: number
  /** Where the StatefulSet controller counts. */
  readonly metrics?: Registry
  /** False: no StatefulSet controller runs until the test starts one. */
  readonly leader?: boolean
}

interface ControllerRun {
  readonly features?: StatefulSetFeatures
  readonly tampering?: Tampering
  readonly signal?: AbortSignal
  readonly metrics?: Registry
}

/**
 * The real server, the StatefulSet controller and the garbage collector, with a kubelet that does what the test says:
 * for the moments in between, which machines that work would rush through.
 */
export class Stage implements AsyncDisposable {
  readonly clock = new VirtualClock()
  readonly kubelet = new PuppetKubelet()
  readonly client: Client
  readonly plane: ControlPlane
  /** `+web-0` when it appears, `~web-0` when it begins to go, `-web-0` when it is gone. */
  readonly podHistory: string[] = []
  /** Counters of the set each time one changes. */
  readonly statusHistory: string[] = []
  readonly #stop = new AbortController()

  private constructor(seed: number) {
    const random = seededRandom(seed)
    const store = memoryStore({ clock: this.clock })
    this.plane = new ControlPlane({ store, clock: this.clock, random, logger: silentLogger })
    this.client = apiClient(this.plane.transport('test'), { fieldManager: 'test' })
  }

  static async start({
    features,
    controllers = [],
    tampering,
    seed = 1,
    leader = true,
    metrics,
  }: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(seed)
    await stage.plane.registry.whenReady()
    await stage.client.create(Namespace, { metadata: { name: NAMESPACE }, spec: {} })
    const informers = stage.plane.newInformers('controllers')
    for (const definition of [garbageCollector, stage.kubelet.definition, ...controllers]) {
      const dependencies = stage.plane.dependencies({ component: definition.component }, informers)
      void stage.plane.run(controllerComponent(definition, dependencies))
    }
    const run = { features: { ...defaultFeatures, ...features }, ...(tampering && { tampering }) }
    if (leader) void stage.runStatefulSets({ ...run, ...(metrics && { metrics }) })
    void stage.follow(Pod, ({ type, object }) => {
      const sign = { ADDED: '+', DELETED: '-' }[type as string] ?? (object.metadata.deletionTimestamp ? '~' : '')
      const line = `${sign}${object.metadata.name}`
      if (sign && stage.podHistory.at(-1) !== line) stage.podHistory.push(line)
    })
    void stage.follow(StatefulSet, ({ object }) => {
      const line = countersText(object.status ?? { replicas: 0 })
      if (stage.statusHistory.at(-1) !== line) stage.statusHistory.push(line)
    })
    await stage.rest()
    return stage
  }

  /** An instance of the controller under test, with caches of its own. Resolves when it has ended. */
  runStatefulSets({
    features,
    tampering = transport => transport,
    signal,
    metrics,
  }: ControllerRun = {}): Promise<void> {
    const definition = statefulSetController(features)
    const plain = this.plane.dependencies({ component: definition.component }, this.plane.newInformers('unused'))
    const client = apiClient(tampering(plain.client.transport), { fieldManager: definition.component })
    const informers = new SharedInformers({ ...plain, client })
    this.#stop.signal.addEventListener('abort', () => void informers.stop())
    const dependencies = { ...plain, client, informers, ...(metrics && { metrics }) }
    return this.plane.run(controllerComponent(definition, dependencies), signal)
  }

  async follow<T extends KubernetesObject>(
    kind: Kind<T>,
    note: (event: { readonly type: string; readonly object: T }) => void,
  ): Promise<void> {
    for await (const event of this.client.watch(kind, { namespace: NAMESPACE, signal: this.#stop.signal })) {
      if (event.type !== 'BOOKMARK') note(event)
    }
  }

  /** Lets everything happen that needs no time, and the short retries with it. */
  async rest(): Promise<void> {
    await this.clock.advance(2000)
  }

  async create(spec: object, metadata: object = {}): Promise<void> {
    await this.client.create(StatefulSet, setWith(spec, metadata))
    await this.rest()
  }

  /** Changes the spec of the set, and lets it act. */
  async change(spec: JsonValue, name = 'web'): Promise<void> {
    await this.client.patch(StatefulSet, { namespace: NAMESPACE, name }, { type: 'merge', body: { spec } })
    await this.rest()
  }

  setImage(image: string): Promise<void> {
    return this.change({ template: podTemplate(image) as JsonValue })
  }

  set(name = 'web'): Promise<StatefulSet> {
    return this.client.get(StatefulSet, { namespace: NAMESPACE, name })
  }

  pod(name: string): Promise<Pod> {
    return this.client.get(Pod, { namespace: NAMESPACE, name })
  }

  async pods(): Promise<readonly Pod[]> {
    const { items } = await this.client.list(Pod, { namespace: NAMESPACE })
    return items.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name, 'en', { numeric: true }))
  }

  async podNames(): Promise<readonly string[]> {
    return (await this.pods()).map(({ metadata }) => metadata.name)
  }

  /** `web-0=old`, by image. */
  async images(): Promise<readonly string[]> {
    return (await this.pods()).map(({ metadata, spec }) => `${metadata.name}=${spec.containers[0]!.image}`)
  }

  async patchPod(name: string, body: JsonValue): Promise<void> {
    await this.client.patch(Pod, { namespace: NAMESPACE, name }, { type: 'merge', body })
    await this.rest()
  }

  async deletePod(name: string, gracePeriodSeconds?: number): Promise<void> {
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }
    await this.client.delete(Pod, { namespace: NAMESPACE, name }, options)
    await this.rest()
  }

  async deleteSet(
    propagationPolicy: 'Background' | 'Foreground' | 'Orphan' = 'Background',
    name = 'web',
  ): Promise<void> {
    await this.client.delete(StatefulSet, { namespace: NAMESPACE, name }, { propagationPolicy })
    await this.rest()
  }

  async claimNames(): Promise<readonly string[]> {
    const { items } = await this.client.list(PersistentVolumeClaim, { namespace: NAMESPACE })
    return items.map(({ metadata }) => metadata.name).sort()
  }

  claim(name: string): Promise<PersistentVolumeClaim> {
    return this.client.get(PersistentVolumeClaim, { namespace: NAMESPACE, name })
  }

  async patchClaim(name: string, body: JsonValue): Promise<void> {
    await this.client.patch(PersistentVolumeClaim, { namespace: NAMESPACE, name }, { type: 'merge', body })
    await this.rest()
  }

  /** `Reason message`, in the order of writing. */
  async events(): Promise<readonly string[]> {
    const { items } = await this.client.list(Event, { namespace: NAMESPACE })
    return items
      .filter(({ involvedObject }) => involvedObject.kind === 'StatefulSet')
      .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
      .map(({ reason, message }) => `${reason} ${message}`)
  }

  async progressing(): Promise<{ readonly status: string; readonly reason: string; readonly message: string }> {
    const { conditions = [] } = (await this.set()).status
    const { status = '', reason = '', message = '' } = conditions.find(({ type }) => type === 'Progressing') ?? {}
    return { status, reason, message }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.plane.close()
  }
}

/** `og=1 replicas=3 ready=2 current=3 updated=- available=2`, then whether the two revisions are one. */
function countersText(status: StatefulSetStatus): string {
  const { observedGeneration, replicas, readyReplicas, currentReplicas, updatedReplicas, availableReplicas } = status
  const show = (value: number | undefined): string => String(value ?? '-')
  const revisions = status.currentRevision === status.updateRevision ? 'same' : 'differ'
  return [
    `og=${show(observedGeneration)}`,
    `replicas=${replicas}`,
    `ready=${show(readyReplicas)}`,
    `current=${show(currentReplicas)}`,
    `updated=${show(updatedReplicas)}`,
    `available=${show(availableReplicas)}`,
    revisions,
  ].join(' ')
}

/** Bound from the start, so that deleting takes its course: what is not scheduled goes at once. */
export const podTemplate = (image: string, more: object = {}) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image }], nodeName: 'n1', ...more },
})

export const claimTemplate = (name = 'data') => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
})

export const partition = (value: number) => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: value } },
})

const setWith = (spec: object, metadata: object): Unsaved<StatefulSet> => ({
  metadata: { name: 'web', namespace: NAMESPACE, ...metadata },
  spec: {
    replicas: 3,
    serviceName: 'nginx',
    selector: { matchLabels: { app: 'web' } },
    template: podTemplate('old'),
    updateStrategy: { type: 'RollingUpdate' },
    ...spec,
  },
})
