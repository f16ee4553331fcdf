import { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import { StorageClass } from '../../api/storage-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import type { InformerFactory } from '../../client/informer.ts'
import { isTerminating, keyOf, type ObjectKey } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import {
  isBound,
  isWithinTopologies,
  SELECTED_NODE,
  STORAGE_PROVISIONER,
  storageClassOf,
  waitsForFirstConsumer,
} from '../../machinery/volume-binding.ts'
import { hostnameOf, localVolumeHosts } from './local-volume.ts'
import { LOCAL_PROVISIONER } from './standard-storage-class.ts'

const AWAITING_MACHINE = 'claims that await a machine'

/**
 * Picks the machine for claims of classes with `volumeBindingMode: Immediate`, for which no scheduler ever does: a
 * directory has to be somewhere, and the Pod then follows it. The machine's own provisioner makes it.
 */
export const immediateClaims = controllerFor(PersistentVolumeClaim, {
  name: 'local-volume-placement',
  component: LOCAL_PROVISIONER,
  workers: 1, // One after the other, so that each sees where the one before it went.
})
  .watches(Node, (_, { informers }) => waitingClaims(informers))
  .watches(StorageClass, (_, { informers }) => waitingClaims(informers))
  .reconciledBy(placement)

/** The volume controller has found no volume that exists, and asks for one of ours. */
const awaitsMachine = (claim: PersistentVolumeClaim): boolean =>
  claim.metadata.annotations?.[STORAGE_PROVISIONER] === LOCAL_PROVISIONER &&
  claim.metadata.annotations[SELECTED_NODE] === undefined &&
  !isBound(claim) &&
  !isTerminating(claim)

const waitingClaims = (informers: InformerFactory): readonly ObjectKey[] =>
  informers.informer(PersistentVolumeClaim).byIndex(AWAITING_MACHINE, AWAITING_MACHINE).map(keyOf)

function placement({ client, informers, events }: Dependencies): Reconciler {
  const claims = informers.informer(PersistentVolumeClaim)
  claims.addIndex(AWAITING_MACHINE, claim => (awaitsMachine(claim) ? [AWAITING_MACHINE] : []))
  /** Claims that were given a machine and whose volume no cache shows yet. */
  const promised = new Map<string, string>()

  function loads(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    const volumes = informers.informer(PersistentVolume).list()
    for (const { spec } of volumes) promised.delete(spec.claimRef?.uid ?? '')
    for (const host of [...volumes.flatMap(localVolumeHosts), ...promised.values()]) {
      counts.set(host, (counts.get(host) ?? 0) + 1)
    }
    return counts
  }

  return async function reconcile(key) {
    const claim = claims.get(key)
    if (!claim || !awaitsMachine(claim)) return {}
    const storageClass = informers.informer(StorageClass).get({ name: storageClassOf(claim) })
    if (!storageClass || waitsForFirstConsumer(storageClass)) return {}
    const node = machineFor(storageClass, informers.informer(Node).list(), loads())
    if (!node) {
      const message = `failed to provision volume with StorageClass "${storageClass.metadata.name}": no machine is ready for it`
      events.record(claim, { type: 'Warning', reason: 'ProvisioningFailed', message })
      return {} // A machine that becomes ready is an event.
    }
    const { uid, resourceVersion } = claim.metadata
    const annotations = { [SELECTED_NODE]: node.metadata.name }
    try {
      await client.patch(PersistentVolumeClaim, key, {
        type: 'merge',
        body: { metadata: { uid, resourceVersion, annotations } },
      })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
    promised.set(uid, hostnameOf(node))
    return {}
  }
}

/** Of the machines that may have it, the one with the fewest volumes. */
export function machineFor(
  storageClass: StorageClass,
  nodes: readonly Node[],
  volumesByHost: ReadonlyMap<string, number>,
): Node | undefined {
  const load = (node: Node): number => volumesByHost.get(hostnameOf(node)) ?? 0
  return nodes
    .filter(node => takesVolumes(node) && isWithinTopologies(storageClass, node.metadata.labels ?? {}))
    .sort((a, b) => load(a) - load(b) || (a.metadata.name < b.metadata.name ? -1 : 1))[0]
}

/** Pods without tolerations may go there: whoever uses the volume has to. */
const takesVolumes = ({ metadata, spec, status }: Node): boolean =>
  metadata.deletionTimestamp === undefined &&
  !spec.unschedulable &&
  (spec.taints ?? []).every(({ effect }) => effect === 'PreferNoSchedule') &&
  (status.conditions ?? []).some(condition => condition.type === 'Ready' && condition.status === 'True')
