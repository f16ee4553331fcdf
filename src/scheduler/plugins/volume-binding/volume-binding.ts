import { deepEqual } from 'fast-equals'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../api/core-v1/types.ts'
import type { StorageClass } from '../../../api/storage-v1/types.ts'
import type { Client } from '../../../client/client.ts'
import type { EventNote } from '../../../client/event-recorder.ts'
import type { Clock } from '../../../machinery/clock.ts'
import {
  isBound,
  isWithinTopologies,
  NO_PROVISIONER,
  SELECTED_NODE,
  storageClassOf,
  volumeMismatch,
  waitsForFirstConsumer,
} from '../../../machinery/volume-binding.ts'
import type { ClusterEvent } from '../../cluster-event.ts'
import { type ClusterState, HOSTNAME_LABEL } from '../../cluster-state.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { Filter, Hold, Plugin, Refusal } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'
import type { VolumeLookup } from '../../volume-lookup.ts'
import { ClaimFulfilment } from './claim-fulfilment.ts'
import { FreeVolumes, hostsOf, type VolumeQuery } from './free-volumes.ts'
import { type ClaimStep, VolumePromises } from './promises.ts'

const UNREACHABLE = 'node(s) had volume node affinity conflict'
const NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
const VOLUME_MISSING = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'
const UNBOUND_IMMEDIATE = 'pod has unbound immediate PersistentVolumeClaims'

export interface VolumeBindingDependencies {
  readonly client: Client
  readonly clock: Clock
  readonly lookup: VolumeLookup
  readonly state: ClusterState
  /** Tells the queue of volumes that are free again. */
  readonly wake: (event: ClusterEvent) => void
}

/** The claims of one Pod, by what they ask of a machine. */
interface Claims {
  readonly bound: readonly PersistentVolume[]
  readonly delayed: readonly VolumeQuery[]
}

/**
 * A Pod goes where its volumes are. Claims that wait for their first consumer get one here: a free volume that the
 * machine reaches, or one that is made for it. Such claims are bound before the Pod is.
 */
export class VolumeBinding implements Plugin {
  readonly name = 'VolumeBinding'
  readonly #dependencies: VolumeBindingDependencies
  readonly #free = new FreeVolumes()
  readonly #promises = new VolumePromises()
  readonly #fulfilment: ClaimFulfilment

  constructor(dependencies: VolumeBindingDependencies) {
    this.#dependencies = dependencies
    this.#fulfilment = new ClaimFulfilment({ ...dependencies, promises: this.#promises })
  }

  readonly helpedBy: Plugin['helpedBy'] = {
    nodeChanged: (_pod, { node, previous }) => !deepEqual(node.labels, previous?.metadata.labels ?? {}),
    claimChanged: ({ namespace, claimNames }, { claim: { metadata } }) =>
      metadata.namespace === namespace && claimNames.includes(metadata.name),
    storageClassChanged: (pod, { storageClass }) =>
      this.#dependencies.lookup.claimsOf(pod).some(claim => storageClassOf(claim) === storageClass.metadata.name),
    volumeChanged: (pod, { volume }) =>
      this.#dependencies.lookup
        .claimsOf(pod)
        .some(claim => claim.spec.volumeName === volume.metadata.name || mayServe(volume, claim)),
  }

  /** Follows claims and volumes until disposed. */
  start(): Disposable {
    const { lookup } = this.#dependencies
    const stack = new DisposableStack()
    stack.use(
      lookup.volumes.subscribe(event => {
        this.#free.handle(event)
        this.#promises.handle(event)
        this.#fulfilment.volumeChanged(event.object)
      }),
    )
    stack.use(lookup.claims.subscribe(({ object }) => this.#fulfilment.claimChanged(object)))
    return stack
  }

  filterFor(pod: PodInfo): Filter | undefined {
    if (pod.claimNames.length === 0) return undefined
    const claims = this.#claimsOf(pod)
    if (typeof claims === 'string') return { kind: 'nowhere', reason: claims }
    const among = this.#among(claims)
    return { kind: 'where', refusalOf: node => this.#refusal(claims, node), ...(among && { among }) }
  }

  /** Names the volumes that hold a Pod to machines where it cannot run, and the machines where it could. */
  explain(pod: PodInfo, { examples, counts }: Refusal): EventNote | undefined {
    const others = examples.get(UNREACHABLE)
    if (!others) return undefined
    const { lookup, state } = this.#dependencies
    const ties = lookup.claimsOf(pod).flatMap(claim => {
      const volume = lookup.findVolumeOf(claim)
      if (!volume?.spec.nodeAffinity?.required) return []
      const reachable = state.nodes.filter(({ node }) => this.#free.isReachable(volume, node!)).map(({ name }) => name)
      return [
        `volume "${volume.metadata.name}" of claim "${claim.metadata.name}" can only be used on ${listed(reachable)}`,
      ]
    })
    const message = `${ties.join('; ')}; apart from its volumes the Pod could run on ${listed(others, counts.get(UNREACHABLE))}`
    return { type: 'Warning', reason: 'VolumeNodeAffinityConflict', message }
  }

  reserve(pod: PodInfo, node: NodeInfo): Hold | undefined {
    if (pod.claimNames.length === 0) return undefined
    const claims = this.#claimsOf(pod)
    const steps = typeof claims === 'string' ? undefined : this.#stepsOn(claims.delayed, node)
    if (!steps) throw new Error('the claims of the Pod changed while it was being placed')
    this.#promises.make(steps, node.name)
    return {
      fulfil: signal => this.#fulfilment.fulfil({ pod, node, steps }, signal),
      release: () => {
        for (const volume of this.#promises.end(steps)) this.#dependencies.wake({ kind: 'volumeChanged', volume })
      },
    }
  }

  /** The reason against the whole Pod, or its claims. */
  #claimsOf(pod: PodInfo): Claims | string {
    const { lookup } = this.#dependencies
    const bound: PersistentVolume[] = []
    const delayed: VolumeQuery[] = []
    let [isWaiting, isVolumeMissing] = [false, false]
    for (const name of pod.claimNames) {
      const claim = lookup.findClaim(pod.namespace, name)
      const problem = problemOf(claim, name, pod)
      if (problem || !claim) return problem!
      if (isBound(claim)) {
        const volume = lookup.findVolumeOf(claim)
        if (volume) bound.push(volume)
        else isVolumeMissing = true
      } else if (!claim.spec.volumeName && waitsForFirstConsumer(lookup.findClassOf(claim))) {
        delayed.push(this.#free.queryFor(claim))
      } else isWaiting = true
    }
    if (isWaiting) return UNBOUND_IMMEDIATE
    return isVolumeMissing ? VOLUME_MISSING : { bound, delayed }
  }

  #refusal({ bound, delayed }: Claims, node: NodeInfo): string | undefined {
    if (bound.some(volume => !this.#free.isReachable(volume, node.node!))) return UNREACHABLE
    return delayed.length > 0 && !this.#stepsOn(delayed, node) ? NO_VOLUME : undefined
  }

  /** How each claim would get a volume on this machine; undefined when one of them cannot. */
  #stepsOn(queries: readonly VolumeQuery[], node: NodeInfo): readonly ClaimStep[] | undefined {
    const steps: ClaimStep[] = []
    const chosen = new Set<string>()
    for (const query of queries) {
      const step = this.#stepFor(query, node, chosen)
      if (!step) return undefined
      if (step.kind === 'bind') chosen.add(step.volume.metadata.name)
      steps.push(step)
    }
    return steps
  }

  #stepFor({ claim, find }: VolumeQuery, node: NodeInfo, chosen: ReadonlySet<string>): ClaimStep | undefined {
    const promised = this.#promises.find(claim)
    const selected = claim.metadata.annotations?.[SELECTED_NODE]
    const settled = selected || promised?.nodeName
    if (settled && settled !== node.name) return undefined
    if (promised?.volume) return { kind: 'bind', claim, volume: promised.volume }
    const isTaken = (volume: PersistentVolume): boolean =>
      chosen.has(volume.metadata.name) || this.#promises.isPromisedToOther(volume, claim)
    const volume = settled ? undefined : find(node.node!, isTaken)
    if (volume) return { kind: 'bind', claim, volume }
    return canProvision(this.#dependencies.lookup.findClassOf(claim), node) ? { kind: 'provision', claim } : undefined
  }

  /** The machines that volumes tied to single machines leave, when there are such volumes. */
  #among({ bound, delayed }: Claims): ((node: NodeInfo) => boolean) | undefined {
    const { lookup } = this.#dependencies
    const pinned: { has(host: string): boolean }[] = []
    for (const volume of bound) {
      const hosts = hostsOf(volume)
      if (hosts) pinned.push(new Set(hosts))
    }
    for (const { claim, hosts } of delayed) if (hosts && !mayProvision(lookup.findClassOf(claim))) pinned.push(hosts)
    if (pinned.length === 0) return undefined
    return ({ labels }) => pinned.every(hosts => hosts.has(labels[HOSTNAME_LABEL] ?? ''))
  }
}

function problemOf(claim: PersistentVolumeClaim | undefined, name: string, { pod }: PodInfo): string | undefined {
  const volume = pod.spec.volumes?.find(
    ({ ephemeral, name: own }) => ephemeral && name === `${pod.metadata.name}-${own}`,
  )
  if (!claim) {
    return volume
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`
  }
  if (volume && !claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid)) {
    return `PVC "${claim.metadata.namespace}/${name}" was not created for pod "${claim.metadata.namespace}/${pod.metadata.name}" (pod is not owner)`
  }
  if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`
  if (claim.status.phase === 'Lost') {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`
  }
  return undefined
}

const mayServe = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  !claim.spec.volumeName && volumeMismatch(volume, claim) === undefined

/** Whether a volume can be made where the machine reaches it: within the topologies that the class allows. */
const canProvision = (storageClass: StorageClass | undefined, { labels }: NodeInfo): boolean =>
  mayProvision(storageClass) && isWithinTopologies(storageClass, labels)

const mayProvision = (storageClass: StorageClass | undefined): storageClass is StorageClass =>
  storageClass !== undefined && storageClass.provisioner !== NO_PROVISIONER

/** The first few names, and how many more there are. */
function listed(names: readonly string[], total = names.length): string {
  if (names.length === 0) return 'machines that are not there'
  const shown = names.slice(0, 3)
  return total > shown.length ? `${shown.join(', ')} and ${total - shown.length} more` : shown.join(', ')
}
