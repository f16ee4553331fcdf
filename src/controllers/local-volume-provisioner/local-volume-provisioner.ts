import { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import { StorageClass } from '../../api/storage-v1/types.ts'
import {
  type ControllerDefinition,
  controllerFor,
  type Dependencies,
  type Reconciler,
  TerminalError,
} from '../../client/controller.ts'
import type { EventNote } from '../../client/event-recorder.ts'
import type { Informer } from '../../client/informer.ts'
import { isTerminating, keyText, type ObjectKey } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import {
  isReachableFrom,
  isRemovableHostPath,
  PROVISIONED_BY,
  SELECTED_NODE,
  storageClassOf,
} from '../../machinery/volume-binding.ts'
import { messageOf } from '../attempt-all.ts'
import {
  DIRECTORY_FINALIZER,
  isLocalVolumeOf,
  localVolumeFor,
  localVolumeName,
  localVolumePath,
  PROTECTED_BY,
} from './local-volume.ts'
import { LOCAL_PROVISIONER } from './standard-storage-class.ts'

/** Whoever runs in the container may write: the directory belongs to one claim, and nobody else gets to see it. */
const DIRECTORY_MODE = 0o777

/** What of the machine's disk is needed; a kubelet's disk door serves. */
export interface VolumeDisk {
  /** With all parents. An existing directory keeps its mode. */
  makeDirectory(path: string, mode: number): Promise<void>
  setMode(path: string, mode: number): Promise<void>
  /** Recursively, never across a mount point. What is not there is success. */
  remove(path: string): Promise<void>
}

export interface LocalVolumeProvisionerOptions {
  readonly nodeName: string
  /** Every volume is a directory directly below it. */
  readonly root: string
  readonly disk: VolumeDisk
}

/**
 * Makes and removes the directories of one machine. One runs beside each kubelet: it serves the claims for which the
 * scheduler has picked its machine, and the volumes made here. Keys with a namespace are claims, others volumes.
 */
export function localVolumeProvisioner(options: LocalVolumeProvisionerOptions): ControllerDefinition {
  return controllerFor(PersistentVolumeClaim, {
    name: `local-volume-provisioner-${options.nodeName}`,
    component: LOCAL_PROVISIONER,
  })
    .watches(PersistentVolume, ({ object }) => [{ name: object.metadata.name }])
    .watches(StorageClass, ({ object }, { informers }) =>
      informers
        .informer(PersistentVolumeClaim)
        .list()
        .filter(claim => isForHere(claim, options.nodeName) && storageClassOf(claim) === object.metadata.name)
        .map(({ metadata: { namespace, name } }) => ({ namespace, name })),
    )
    .reconciledBy(dependencies => new LocalVolumes(dependencies, options).reconciler)
}

const isForHere = ({ metadata, spec }: PersistentVolumeClaim, nodeName: string): boolean =>
  metadata.annotations?.[SELECTED_NODE] === nodeName && !spec.volumeName

class LocalVolumes {
  readonly #dependencies: Dependencies
  readonly #options: LocalVolumeProvisionerOptions
  /** The machine itself, for the hostname label, which may differ from the name. The others are asked for when needed. */
  readonly #node: Informer<Node>

  constructor(dependencies: Dependencies, options: LocalVolumeProvisionerOptions) {
    this.#dependencies = dependencies
    this.#options = options
    this.#node = dependencies.informers.informer(Node, { fieldSelector: `metadata.name=${options.nodeName}` })
  }

  readonly reconciler: Reconciler = async key => {
    await (key.namespace ? this.#provision(key) : this.#reclaim(key))
    return {}
  }

  async #provision(key: ObjectKey): Promise<void> {
    const { informers, client, events } = this.#dependencies
    const claim = informers.informer(PersistentVolumeClaim).get(key)
    if (!claim || isTerminating(claim) || !isForHere(claim, this.#options.nodeName)) return
    const storageClass = informers.informer(StorageClass).get({ name: storageClassOf(claim) })
    if (storageClass?.provisioner !== LOCAL_PROVISIONER) return
    const name = localVolumeName(claim)
    const known = informers.informer(PersistentVolume).get({ name }) ?? (await client.find(PersistentVolume, { name }))
    if (known) return // Made before; the claim will be bound to it.
    const tell = (type: EventNote['type'], reason: string, message: string): void =>
      events.record(claim, { type, reason, message })
    tell('Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${keyText(key)}"`)
    try {
      await this.#make(claim, storageClass)
    } catch (error) {
      const why = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${messageOf(error)}`
      tell('Warning', 'ProvisioningFailed', why)
      throw error
    }
    tell('Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`)
  }

  /** Directory first: a volume that exists can be mounted. */
  async #make(claim: PersistentVolumeClaim, storageClass: StorageClass): Promise<void> {
    const { client } = this.#dependencies
    const { root, disk } = this.#options
    if (claim.spec.volumeMode === 'Block') throw new TerminalError('local directories cannot serve as block devices')
    if (claim.spec.dataSource || claim.spec.dataSourceRef) {
      throw new TerminalError('local directories cannot be filled from a data source')
    }
    const path = localVolumePath(root, localVolumeName(claim))!
    await disk.makeDirectory(path, DIRECTORY_MODE)
    await disk.setMode(path, DIRECTORY_MODE) // Whatever the process's umask has made of it.
    try {
      const volume = localVolumeFor(claim, { path, hostname: this.#hostname(), storageClass })
      await client.create(PersistentVolume, volume)
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error
    }
  }

  /** Deletes the volume of a claim that is gone, and lets a deleted volume go when its directory has gone. */
  async #reclaim(key: ObjectKey): Promise<void> {
    const { informers, client } = this.#dependencies
    const cached = informers.informer(PersistentVolume).get(key)
    if (!cached) return
    if (!isLocalVolumeOf(cached, this.#hostname())) {
      await this.#reclaimHandMade(cached)
      return
    }
    const isReleased = cached.status?.phase === 'Released' && cached.spec.persistentVolumeReclaimPolicy === 'Delete'
    if (!isTerminating(cached)) {
      if (!isReleased) return
      const { uid, resourceVersion } = cached.metadata // Exactly this version: a volume taken again is not deleted.
      await client.delete(PersistentVolume, key, { preconditions: { uid, resourceVersion } })
      return
    }
    const { finalizers = [] } = cached.metadata
    if (!finalizers.includes(DIRECTORY_FINALIZER) || finalizers.includes(PROTECTED_BY)) return
    if (cached.spec.persistentVolumeReclaimPolicy === 'Delete') await this.#removeDirectory(cached)
    const others = finalizers.filter(each => each !== DIRECTORY_FINALIZER)
    await client.update(PersistentVolume, { ...cached, metadata: { ...cached.metadata, finalizers: others } })
  }

  /** A hostPath volume below /tmp with `Delete`, if there is no doubt that its directory is on this machine. */
  async #reclaimHandMade(volume: PersistentVolume): Promise<void> {
    const { client } = this.#dependencies
    const { persistentVolumeReclaimPolicy, hostPath, nodeAffinity } = volume.spec
    const { annotations, uid, resourceVersion, name } = volume.metadata
    if (volume.status?.phase !== 'Released' || persistentVolumeReclaimPolicy !== 'Delete') return
    if (!hostPath || !isRemovableHostPath(hostPath.path) || annotations?.[PROVISIONED_BY]) return
    const { items: nodes } = await client.list(Node)
    const possible = nodeAffinity ? nodes.filter(node => isReachableFrom(volume, node)) : nodes
    if (possible.length !== 1 || possible[0]!.metadata.name !== this.#options.nodeName) return
    await this.#options.disk.remove(hostPath.path)
    await client.delete(PersistentVolume, { name }, { preconditions: { uid, resourceVersion } })
  }

  async #removeDirectory(volume: PersistentVolume): Promise<void> {
    const { events } = this.#dependencies
    const { root, disk } = this.#options
    const path = localVolumePath(root, volume.metadata.name)
    try {
      if (path === undefined || volume.spec.local?.path !== path) {
        throw new Error(`"${volume.spec.local?.path ?? ''}" is not the directory of this volume below "${root}"`)
      }
      await disk.remove(path)
    } catch (error) {
      events.record(volume, { type: 'Warning', reason: 'VolumeFailedDelete', message: messageOf(error) })
      throw error
    }
  }

  #hostname(): string {
    const { nodeName } = this.#options
    return this.#node.get({ name: nodeName })?.metadata.labels?.['kubernetes.io/hostname'] ?? nodeName
  }
}
