import { PersistentVolume, PersistentVolumeClaim } from '../../../api/core-v1/types.ts'
import type { Client } from '../../../client/client.ts'
import type { Clock } from '../../../machinery/clock.ts'
import { keyOf, keyText } from '../../../machinery/object.ts'
import {
  BOUND_BY_CONTROLLER,
  isBound,
  isReachableFrom,
  isReservedFor,
  SELECTED_NODE,
} from '../../../machinery/volume-binding.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { PodInfo } from '../../pod-info.ts'
import type { VolumeLookup } from '../../volume-lookup.ts'
import type { ClaimStep, VolumePromises } from './promises.ts'

/** How long a Pod waits for its volumes, as upstream has it. */
const BIND_TIMEOUT_MS = 600_000

export interface Fulfilment {
  readonly pod: PodInfo
  readonly node: NodeInfo
  readonly steps: readonly ClaimStep[]
}

/** Writes down which volume or machine each claim gets, and waits until others have bound them all. */
export class ClaimFulfilment {
  readonly #client: Client
  readonly #clock: Clock
  readonly #lookup: VolumeLookup
  readonly #promises: VolumePromises
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(options: {
    readonly client: Client
    readonly clock: Clock
    readonly lookup: VolumeLookup
    readonly promises: VolumePromises
  }) {
    this.#client = options.client
    this.#clock = options.clock
    this.#lookup = options.lookup
    this.#promises = options.promises
  }

  claimChanged(claim: PersistentVolumeClaim): void {
    this.#tell(keyText(keyOf(claim)))
  }

  volumeChanged({ spec: { claimRef } }: PersistentVolume): void {
    if (claimRef) this.#tell(`${claimRef.namespace}/${claimRef.name}`)
  }

  /** Rejects when a claim or volume is no longer what it was when the machine was chosen. */
  async fulfil(fulfilment: Fulfilment, signal: AbortSignal): Promise<void> {
    try {
      for (const step of fulfilment.steps) {
        if (step.kind === 'bind') await this.#reserveVolume(step)
        else await this.#selectNode(step.claim, fulfilment.node)
      }
      await this.#whenBound(fulfilment, signal)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`running PreBind plugin "VolumeBinding": binding volumes: ${reason}`, { cause })
    }
  }

  async #reserveVolume({ claim, volume }: ClaimStep & { kind: 'bind' }): Promise<void> {
    if (volume.spec.claimRef?.uid === claim.metadata.uid) return
    const { name, namespace, uid, resourceVersion } = claim.metadata
    const isOurChoice = !isReservedFor(volume, claim)
    await this.#client.update(PersistentVolume, {
      ...volume,
      metadata: isOurChoice ? withAnnotation(volume.metadata, BOUND_BY_CONTROLLER, 'yes') : volume.metadata,
      spec: {
        ...volume.spec,
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      },
    })
    this.#promises.written(volume)
  }

  async #selectNode(claim: PersistentVolumeClaim, { name }: NodeInfo): Promise<void> {
    if (claim.metadata.annotations?.[SELECTED_NODE] === name) return
    await this.#client.update(PersistentVolumeClaim, {
      ...claim,
      metadata: withAnnotation(claim.metadata, SELECTED_NODE, name),
    })
  }

  async #whenBound(fulfilment: Fulfilment, signal: AbortSignal): Promise<void> {
    const { pod } = fulfilment
    const selectionsSeen = new Set<string>()
    if (this.#areBound(fulfilment, selectionsSeen)) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = (): void => {
      try {
        if (this.#areBound(fulfilment, selectionsSeen)) resolve()
      } catch (error) {
        reject(error)
      }
    }
    const abort = (): void => reject(signal.reason)
    const timer = this.#clock.schedule(BIND_TIMEOUT_MS, () => reject(new Error('context deadline exceeded')))
    const keys = pod.claimNames.map(name => `${pod.namespace}/${name}`)
    signal.addEventListener('abort', abort, { once: true })
    for (const key of keys) this.#listeners(key).add(look)
    try {
      await promise
    } finally {
      timer.cancel()
      signal.removeEventListener('abort', abort)
      for (const key of keys) {
        const listeners = this.#listeners(key)
        listeners.delete(look)
        if (listeners.size === 0) this.#waiting.delete(key)
      }
    }
  }

  /** Throws when it will not come to that any more. `selectionsSeen`: claims whose selected machine the cache shows. */
  #areBound({ pod, node, steps }: Fulfilment, selectionsSeen: Set<string>): boolean {
    let areBound = true
    for (const name of pod.claimNames) {
      const claim = this.#lookup.findClaim(pod.namespace, name)
      const step = steps.find(each => each.claim.metadata.name === name)
      if (!claim || (step && claim.metadata.uid !== step.claim.metadata.uid)) {
        throw new Error(`persistentvolumeclaim "${name}" not found`)
      }
      if (claim.metadata.deletionTimestamp) throw new Error(`persistentvolumeclaim "${name}" is being deleted`)
      if (isBound(claim)) {
        areBound = this.#isReachable(claim, node) && areBound
        continue
      }
      areBound = false
      if (step?.kind === 'provision') checkSelection(claim, node, selectionsSeen)
    }
    return areBound
  }

  /** False while the cache of volumes is behind that of claims. */
  #isReachable(claim: PersistentVolumeClaim, { node, name }: NodeInfo): boolean {
    const volume = this.#lookup.findVolumeOf(claim)
    if (!node) throw new Error(`node "${name}" not found`)
    if (volume && !isReachableFrom(volume, node)) {
      throw new Error(`volume "${volume.metadata.name}" cannot be reached from node "${name}"`)
    }
    return volume !== undefined
  }

  #listeners(key: string): Set<() => void> {
    let listeners = this.#waiting.get(key)
    if (!listeners) {
      listeners = new Set()
      this.#waiting.set(key, listeners)
    }
    return listeners
  }

  #tell(key: string): void {
    for (const look of this.#waiting.get(key) ?? []) look()
  }
}

/** A provisioner that cannot make the volume there takes the selection back: the Pod must go elsewhere. */
function checkSelection({ metadata }: PersistentVolumeClaim, { name }: NodeInfo, seen: Set<string>): void {
  const selected = metadata.annotations?.[SELECTED_NODE]
  if (selected === name) seen.add(metadata.uid)
  else if (selected || seen.has(metadata.uid)) {
    throw new Error(`selectedNode annotation reset for PVC "${metadata.name}"`)
  }
}

const withAnnotation = <M extends { readonly annotations?: { readonly [key: string]: string } }>(
  metadata: M,
  key: string,
  value: string,
): M => ({ ...metadata, annotations: { ...metadata.annotations, [key]: value } })
