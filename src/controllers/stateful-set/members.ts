import { StatefulSet } from '../../api/apps-v1/types.ts'
import { Pod } from '../../api/core-v1/types.ts'
import type { OwnerReference } from '../../api/meta-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { Informer } from '../../client/informer.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { controllerOf, controllerReferenceTo, keyOf } from '../../machinery/object.ts'
import { isPodTerminating } from '../../machinery/pod-state.ts'
import { matchesLabels, type Requirements } from '../../machinery/selectors.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { Expectations } from '../expectations.ts'
import { isNamedAfter } from './identity.ts'
import { isBeingDeleted } from './plan.ts'

const BY_CONTROLLER = 'stateful-set: controller uid'
const ORPHANS = 'stateful-set: namespace of Pods without controller'

export function indexPods(pods: Informer<Pod>): void {
  pods.addIndex(BY_CONTROLLER, pod => {
    const controller = controllerOf(pod)
    return controller ? [controller.uid] : []
  })
  pods.addIndex(ORPHANS, pod => (controllerOf(pod) ? [] : [pod.metadata.namespace]))
}

interface MembershipDependencies {
  readonly client: Client
  readonly pods: Informer<Pod>
  readonly expectations: Expectations
}

/**
 * The Pods of the set: its own, with orphans that fit adopted and misfits released on the way (L9). A Pod that vanished
 * meanwhile is left out; any other failure ends the pass.
 */
export async function claimMembers(
  dependencies: MembershipDependencies,
  set: StatefulSet,
  selector: Requirements,
): Promise<readonly Pod[]> {
  const { pods, client } = dependencies
  const isMember = (pod: Pod): boolean => matchesLabels(selector, pod.metadata.labels) && isNamedAfter(set, pod)
  const owned = pods.byIndex(BY_CONTROLLER, set.metadata.uid)
  const members = owned.filter(isMember)
  if (isBeingDeleted(set)) return members
  for (const misfit of owned.filter(pod => !isMember(pod))) await release(dependencies, set, misfit)
  const orphans = pods.byIndex(ORPHANS, set.metadata.namespace).filter(pod => isMember(pod) && !isPodTerminating(pod))
  if (orphans.length > 0) await ensureMayAdopt(client, set)
  const adopted = await Promise.all(orphans.map(pod => adopt(dependencies, set, pod)))
  return [...members, ...adopted.flatMap(pod => pod ?? [])]
}

/** The cache may show a set that is gone: only the live one may adopt (L8). */
export async function ensureMayAdopt(client: Client, { metadata }: StatefulSet): Promise<void> {
  const { namespace, name, uid } = metadata
  const live = await client.find(StatefulSet, { namespace, name })
  if (live?.metadata.uid !== uid) {
    const found = live ? `got uid ${live.metadata.uid}, wanted ${uid}` : `wanted ${uid}`
    throw new Error(`original StatefulSet ${namespace}/${name} is gone: ${found}`)
  }
  const { deletionTimestamp } = live.metadata
  if (deletionTimestamp) throw new Error(`${namespace}/${name} has just been deleted at ${deletionTimestamp}`)
}

const adopt = (dependencies: MembershipDependencies, set: StatefulSet, pod: Pod): Promise<Pod | undefined> =>
  writeOwners(dependencies, set, { pod, owners: [...othersOf(set, pod), controllerReferenceTo(set)] })

const release = (dependencies: MembershipDependencies, set: StatefulSet, pod: Pod): Promise<Pod | undefined> =>
  writeOwners(dependencies, set, { pod, owners: othersOf(set, pod) })

const othersOf = (set: StatefulSet, { metadata }: Pod): readonly OwnerReference[] =>
  (metadata.ownerReferences ?? []).filter(({ uid }) => uid !== set.metadata.uid)

/** Only if the Pod is still the one that was seen; undefined when it is gone. */
async function writeOwners(
  { client, expectations }: MembershipDependencies,
  set: StatefulSet,
  { pod, owners }: { readonly pod: Pod; readonly owners: readonly OwnerReference[] },
): Promise<Pod | undefined> {
  const { uid, resourceVersion } = pod.metadata
  const body = { metadata: { uid, resourceVersion, ownerReferences: owners } } as unknown as JsonObject
  try {
    return expectations.wrote(keyOf(set), Pod, await client.patch(Pod, keyOf(pod), { type: 'merge', body }))
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined
    throw error
  }
}
