import type { Kind, KubernetesObject } from '../api/kind.ts'
import type { OwnerReference } from '../api/meta-v1/types.ts'
import type { Client } from '../client/client.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import type { JsonObject } from '../machinery/json.ts'
import { controllerOf, controllerReferenceTo, isTerminating, keyOf } from '../machinery/object.ts'
import { matchesLabels, type Requirements } from '../machinery/selectors.ts'
import { isStatusError } from '../machinery/status.ts'
import type { Expectations } from './expectations.ts'

const BY_CONTROLLER = 'uid of the controller, or namespace of those without one'

const orphansOf = (namespace: string | undefined): string => `orphans of ${namespace}`

function indexed<T extends KubernetesObject>(informer: Informer<T>): Informer<T> {
  informer.addIndex(BY_CONTROLLER, object => [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace)])
  return informer
}

/** Those that the owner controls, whatever their labels. */
export const controlledBy = <T extends KubernetesObject>(
  informers: InformerFactory,
  kind: Kind<T>,
  owner: KubernetesObject,
): readonly T[] => indexed(informers.informer(kind)).byIndex(BY_CONTROLLER, owner.metadata.uid)

export interface Claim<T extends KubernetesObject> {
  readonly client: Client
  readonly informers: InformerFactory
  readonly expectations: Expectations
  readonly owner: KubernetesObject
  readonly ownerKind: Kind
  readonly selector: Requirements
  readonly childKind: Kind<T>
  /** Which children count at all; others are neither answered nor touched. */
  readonly counts?: (child: T) => boolean
  /** What a child must be besides selected; one that is not is treated as if it were not selected. */
  readonly fits?: (child: T) => boolean
}

/**
 * The children of an owner: those that it controls and selects. On the way, children without a controller that it
 * selects are adopted, and those that it does not select any more are released.
 */
export async function claimChildren<T extends KubernetesObject>(claim: Claim<T>): Promise<readonly T[]> {
  const { informers, owner, selector, childKind, counts = () => true, fits = () => true } = claim
  const cache = indexed(informers.informer(childKind))
  const selects = (child: T): boolean => matchesLabels(selector, child.metadata.labels) && fits(child)
  const owned = cache.byIndex(BY_CONTROLLER, owner.metadata.uid).filter(counts)
  const kept = owned.filter(selects)
  if (isTerminating(owner)) return kept
  for (const child of owned) if (!selects(child)) await setOwners(claim, { child, owners: othersOf(owner, child) })
  const orphans = cache
    .byIndex(BY_CONTROLLER, orphansOf(owner.metadata.namespace))
    .filter(child => selects(child) && counts(child) && !isTerminating(child))
  if (orphans.length === 0) return kept
  await ensureMayAdopt(claim.client, claim.ownerKind, owner)
  const adopted: T[] = []
  for (const child of orphans) {
    const owners = [...othersOf(owner, child), controllerReferenceTo(owner)]
    const written = await setOwners(claim, { child, owners })
    if (written) adopted.push(written)
  }
  return [...kept, ...adopted]
}

/** The cache may show an owner that is gone: only the live one may adopt. */
export async function ensureMayAdopt(client: Client, kind: Kind, owner: KubernetesObject): Promise<void> {
  const { uid, namespace, name } = owner.metadata
  const live = await client.find(kind, keyOf(owner))
  if (live?.metadata.uid !== uid) {
    const found = live ? `got uid ${live.metadata.uid}, ` : ''
    throw new Error(`original ${kind.kind} ${namespace}/${name} is gone: ${found}wanted ${uid}`)
  }
  const { deletionTimestamp } = live.metadata
  if (deletionTimestamp) throw new Error(`${namespace}/${name} has just been deleted at ${deletionTimestamp}`)
}

const othersOf = ({ metadata: { uid } }: KubernetesObject, { metadata }: KubernetesObject): readonly OwnerReference[] =>
  (metadata.ownerReferences ?? []).filter(reference => reference.uid !== uid)

/** Undefined when the child is gone. The version makes it a Conflict when somebody was faster. */
async function setOwners<T extends KubernetesObject>(
  { client, expectations, owner, childKind }: Claim<T>,
  { child, owners }: { readonly child: T; readonly owners: readonly OwnerReference[] },
): Promise<T | undefined> {
  const { uid, resourceVersion } = child.metadata
  const body = { metadata: { uid, resourceVersion, ownerReferences: owners } } as unknown as JsonObject
  try {
    return expectations.wrote(
      keyOf(owner),
      childKind,
      await client.patch(childKind, keyOf(child), { type: 'merge', body }),
    )
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined
    throw error
  }
}
