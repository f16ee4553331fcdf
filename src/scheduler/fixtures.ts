import { type Node, type PersistentVolume, type PersistentVolumeClaim, Pod } from '../api/core-v1/types.ts'
import type { KubernetesObject } from '../api/kind.ts'
import type { StorageClass } from '../api/storage-v1/types.ts'
import { apiClient } from '../client/api-client.ts'
import type { Client } from '../client/client.ts'
import type { Dependencies } from '../client/controller.ts'
import type { EventNote } from '../client/event-recorder.ts'
import { SharedInformers } from '../client/shared-informers.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import type { Component } from '../machinery/component.ts'
import { silentLogger } from '../machinery/logger.ts'
import { MemoryApi } from './memory-api.ts'

/** An API, a clock and the components that a test adds. Closing it stops them all. */
export class TestWorld implements AsyncDisposable {
  readonly api = new MemoryApi()
  readonly clock = new VirtualClock()
  readonly client: Client
  readonly events: { readonly about: string; readonly note: EventNote }[] = []
  readonly #seed: number
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>[] = []
  readonly #informers: SharedInformers[] = []

  constructor(seed = 1) {
    this.#seed = seed
    this.client = apiClient(this.api)
  }

  /** What a component may know. Each call makes informers of its own, as another process would have. */
  dependencies(): Dependencies {
    const { clock, client, events } = this
    const random = seededRandom(this.#seed)
    const informers = new SharedInformers({ client, clock, random, logger: silentLogger })
    this.#informers.push(informers)
    const record = (about: KubernetesObject, note: EventNote): void => {
      events.push({ about: about.metadata.name, note })
    }
    return { client, clock, random, informers, logger: silentLogger, events: { record } }
  }

  async start(...components: readonly Component[]): Promise<void> {
    for (const component of components) this.#running.push(component.run(this.#stopping.signal))
    await this.rest()
  }

  /** Lets everything happen that needs no time. */
  rest(): Promise<void> {
    return this.clock.advance(0)
  }

  /** `Reason message` of each event about an object, in order. */
  eventsAbout(name: string): readonly string[] {
    return this.events.filter(({ about }) => about === name).map(({ note }) => `${note.reason} ${note.message}`)
  }

  async nodeOf(pod: string): Promise<string | undefined> {
    const found = await this.client.get(Pod, { namespace: 'default', name: pod })
    return found.spec.nodeName
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('the test is over'))
    await Promise.all([...this.#running, ...this.#informers.map(informers => informers.stop())])
  }
}

export interface PodTraits {
  readonly labels?: Readonly<Record<string, string>>
  readonly cpu?: string
  readonly memory?: string
  readonly claims?: readonly string[]
  readonly owner?: { readonly kind: string; readonly name: string; readonly uid: string }
  readonly spec?: Partial<Pod['spec']>
}

/** A Pod as users write it, with requests and claims. */
export function podOf(name: string, { labels, cpu, memory, claims = [], owner, spec }: PodTraits = {}): Pod {
  const requests = { ...(cpu && { cpu }), ...(memory && { memory }) }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...storedMeta(name),
      namespace: 'default',
      ...(labels && { labels }),
      ...(owner && { ownerReferences: [{ apiVersion: 'apps/v1', controller: true, ...owner }] }),
    },
    spec: {
      containers: [{ name: 'main', image: 'app:1', resources: { requests } }],
      ...(claims.length > 0 && {
        volumes: claims.map(claimName => ({ name: claimName, persistentVolumeClaim: { claimName } })),
      }),
      ...spec,
    },
    status: {},
  }
}

export interface NodeTraits {
  readonly labels?: Readonly<Record<string, string>>
  readonly cpu?: string
  readonly memory?: string
  readonly pods?: string
  readonly spec?: Node['spec']
  readonly allocatable?: Readonly<Record<string, string>>
}

export const nodeOf = (name: string, traits: NodeTraits = {}): Node => {
  const { labels, cpu = '4', memory = '16Gi', pods = '110', spec = {}, allocatable } = traits
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { ...storedMeta(name), labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { allocatable: { cpu, memory, pods, ...allocatable } },
  }
}

export const claimOf = (
  name: string,
  spec: Partial<PersistentVolumeClaim['spec']> = {},
  annotations?: Readonly<Record<string, string>>,
): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { ...storedMeta(name), namespace: 'default', ...(annotations && { annotations }) },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  status: {},
})

export interface VolumeTraits {
  readonly storage?: string
  readonly hosts?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly spec?: Partial<PersistentVolume['spec']>
  readonly phase?: PersistentVolume['status']['phase']
}

export function volumeOf(name: string, traits: VolumeTraits = {}): PersistentVolume {
  const { storage = '1Gi', hosts, labels, spec, phase = 'Available' } = traits
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { ...storedMeta(name), ...(labels && { labels }) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage },
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `/data/${name}` },
      ...(hosts && { nodeAffinity: { required: affinityTo('kubernetes.io/hostname', hosts) } }),
      ...spec,
    },
    status: { phase },
  }
}

const affinityTo = (key: string, values: readonly string[]) => ({
  nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In' as const, values }] }],
})

export const classOf = (name: string, traits: Partial<Omit<StorageClass, 'metadata'>> = {}): StorageClass => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: storedMeta(name),
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
  ...traits,
})

const storedMeta = (name: string) => ({
  name,
  uid: `uid-of-${name}`,
  resourceVersion: '0',
  creationTimestamp: '2026-01-01T00:00:00Z',
})
