import { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import { isTerminating, keyText, type ObjectKey } from '../../machinery/object.ts'
import { hasPodEnded } from '../../machinery/pod-state.ts'
import { claimNamesOf } from '../../machinery/volume-binding.ts'
import { addPodsByClaim, PODS_BY_CLAIM } from './indexes.ts'

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection'
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection'

/** A claim that is being deleted stays until no Pod uses it any more. */
export const claimProtectionController = controllerFor(PersistentVolumeClaim, {
  name: 'pvc-protection',
  component: 'pvc-protection-controller',
})
  .watches(Pod, ({ object }) => claimNamesOf(object).map(name => ({ namespace: object.metadata.namespace, name })))
  .reconciledBy(claimProtectionReconciler)

/** A volume that is being deleted stays as long as it is bound. */
export const volumeProtectionController = controllerFor(PersistentVolume, {
  name: 'pv-protection',
  component: 'pv-protection-controller',
}).reconciledBy(volumeProtectionReconciler)

function claimProtectionReconciler({ client, informers }: Dependencies): Reconciler {
  addPodsByClaim(informers)
  const isUsed = async (key: ObjectKey): Promise<boolean> => {
    if (informers.informer(Pod).byIndex(PODS_BY_CLAIM, keyText(key)).some(holdsItsVolumes)) return true
    // The cache may not show yet a Pod that has just got its machine: ask before letting data go.
    const { items } = await client.list(Pod, { namespace: key.namespace! })
    return items.some(pod => holdsItsVolumes(pod) && claimNamesOf(pod).includes(key.name))
  }
  return async function reconcile(key) {
    const claim = informers.informer(PersistentVolumeClaim).get(key)
    if (!claim) return {}
    const canGo = async (): Promise<boolean> => !(await isUsed(key))
    await keepFinalizer(client, PersistentVolumeClaim, { object: claim, finalizer: CLAIM_FINALIZER, canGo })
    return {}
  }
}

function volumeProtectionReconciler({ client, informers }: Dependencies): Reconciler {
  return async function reconcile(key) {
    const volume = informers.informer(PersistentVolume).get(key)
    if (!volume) return {}
    const canGo = async (): Promise<boolean> => volume.status?.phase !== 'Bound'
    await keepFinalizer(client, PersistentVolume, { object: volume, finalizer: VOLUME_FINALIZER, canGo })
    return {}
  }
}

/** Pods without a machine hold nothing yet; those that have ended hold nothing any more. */
const holdsItsVolumes = (pod: Pod): boolean => Boolean(pod.spec.nodeName) && !hasPodEnded(pod)

async function keepFinalizer<T extends KubernetesObject>(
  client: Client,
  kind: Kind<T>,
  {
    object,
    finalizer,
    canGo,
  }: { readonly object: T; readonly finalizer: string; readonly canGo: () => Promise<boolean> },
): Promise<void> {
  const { finalizers = [] } = object.metadata
  const isHeld = finalizers.includes(finalizer)
  if (!isTerminating(object)) {
    if (!isHeld) await writeFinalizers(client, kind, object, [...finalizers, finalizer])
  } else if (isHeld && (await canGo())) {
    const others = finalizers.filter(each => each !== finalizer)
    await writeFinalizers(client, kind, object, others)
  }
}

async function writeFinalizers<T extends KubernetesObject>(
  client: Client,
  kind: Kind<T>,
  object: T,
  finalizers: readonly string[],
): Promise<void> {
  await client.update(kind, { ...object, metadata: { ...object.metadata, finalizers } })
}
