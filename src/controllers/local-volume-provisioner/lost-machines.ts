import { Node, PersistentVolume } from '../../api/core-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import { isTerminating, keyOf, type ObjectKey } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import { DIRECTORY_FINALIZER, hostnameOf, localVolumeHosts, PROTECTED_BY } from './local-volume.ts'
import { LOCAL_PROVISIONER } from './standard-storage-class.ts'

/** A machine whose Node is not there may only not be there yet, or come back under its name. */
const QUARANTINE_MS = 40_000
const BY_HOST = 'local volumes by the hostname of their machine'

/**
 * Lets volumes go that nobody wants any more and whose machine was removed from the cluster: its provisioner, which
 * would do it, went with it. What was in the directory is still on the machine's disk, if there is one.
 */
export const volumesOfLostMachines = controllerFor(PersistentVolume, {
  name: 'lost-local-volumes',
  component: LOCAL_PROVISIONER,
})
  .watches(Node, volumesAfterNodeRemoval)
  .reconciledBy(reclaim)

function reclaim({ client, informers, events, clock }: Dependencies): Reconciler {
  const volumes = informers.informer(PersistentVolume)
  const nodes = informers.informer(Node)
  volumes.addIndex(BY_HOST, localVolumeHosts)
  const missingSince = new Map<string, number>()

  return async function reconcile(key) {
    const volume = volumes.get(key)
    const host = volume && isUnwanted(volume) ? localVolumeHosts(volume)[0] : undefined
    if (!volume || host === undefined) return {}
    if (nodes.list().some(node => hostnameOf(node) === host)) {
      missingSince.delete(host)
      return {}
    }
    const nowMs = clock.monotonicMs()
    const sinceMs = missingSince.get(host) ?? nowMs
    missingSince.set(host, sinceMs)
    const waitMs = sinceMs + QUARANTINE_MS - nowMs
    if (waitMs > 0) return { recheckAfterMs: waitMs }
    const { items } = await client.list(Node) // Not the cache: a finalizer cannot be taken back.
    if (items.some(node => hostnameOf(node) === host)) return { recheckAfterMs: QUARANTINE_MS }
    await letGo(volume, host)
    return {}
  }

  async function letGo(volume: PersistentVolume, host: string): Promise<void> {
    const { uid, resourceVersion, finalizers = [] } = volume.metadata
    try {
      if (!isTerminating(volume)) {
        await client.delete(PersistentVolume, keyOf(volume), { preconditions: { uid, resourceVersion } })
        return // Its finalizers are looked at when it is seen to be going.
      }
      if (!finalizers.includes(DIRECTORY_FINALIZER) || finalizers.includes(PROTECTED_BY)) return
      const others = finalizers.filter(each => each !== DIRECTORY_FINALIZER)
      await client.update(PersistentVolume, { ...volume, metadata: { ...volume.metadata, finalizers: others } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
      return
    }
    const message = `machine "${host}" is not part of the cluster any more; ${volume.spec.local?.path ?? 'the directory'} was not removed from its disk`
    events.record(volume, { type: 'Warning', reason: 'VolumeDirectoryLeft', message })
  }
}

/** On its way out, or released with nobody to keep it. */
const isUnwanted = (volume: PersistentVolume): boolean =>
  isTerminating(volume) ||
  (volume.status?.phase === 'Released' && volume.spec.persistentVolumeReclaimPolicy === 'Delete')

function volumesAfterNodeRemoval(
  { type, object }: InformerEvent<Node>,
  { informers }: Dependencies,
): readonly ObjectKey[] {
  if (type !== 'deleted') return []
  return informers.informer(PersistentVolume).byIndex(BY_HOST, hostnameOf(object)).map(keyOf)
}
