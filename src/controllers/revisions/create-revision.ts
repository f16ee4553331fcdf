import { ControllerRevision } from '../../api/apps-v1/types.ts'
import type { KubernetesObject, Unsaved } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import { controllerReferenceTo } from '../../machinery/object.ts'
import type { Labels } from '../../machinery/selectors.ts'
import { isStatusError } from '../../machinery/status.ts'
import { dataTextOf, type RevisionData } from './revision-data.ts'
import { revisionHashOf, revisionNameOf } from './revision-hash.ts'

/** The label that keeps the first hash of a revision, also when a collision gave it another name. */
const REVISION_HASH_LABEL = 'controller.kubernetes.io/hash'

export interface NewRevision {
  readonly owner: KubernetesObject
  readonly templateLabels: Labels | undefined
  readonly data: RevisionData
  readonly number: number
  /** Collisions that the owner's status already knows of. */
  readonly collisionCount: number
}

export interface CreatedRevision {
  readonly revision: ControllerRevision
  /** Greater than it was when the name was taken by different data. */
  readonly collisionCount: number
}

/**
 * Records the data under a name that follows from it. A name that is taken by the same data is that revision; one that
 * is taken by other data raises the count of collisions, which changes the hash (H2, H4, H7).
 */
export async function createRevision(client: Client, wanted: NewRevision): Promise<CreatedRevision> {
  const firstHash = revisionHashOf(wanted.data.text, wanted.collisionCount)
  for (let { collisionCount } = wanted; ; collisionCount++) {
    const name = revisionNameOf(wanted.owner.metadata.name, revisionHashOf(wanted.data.text, collisionCount))
    const revision = await createOrFind(client, revisionObject(wanted, { name, hash: firstHash }))
    if (revision && dataTextOf(revision) === wanted.data.text) return { revision, collisionCount }
    if (!revision) collisionCount-- // Deleted between the two calls: the same name is free again.
  }
}

/** Undefined when the name was taken, and then free again. */
async function createOrFind(
  client: Client,
  revision: Unsaved<ControllerRevision>,
): Promise<ControllerRevision | undefined> {
  try {
    return await client.create(ControllerRevision, revision)
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) throw error
    const { namespace, name } = revision.metadata
    return client.find(ControllerRevision, { namespace: namespace!, name: name! })
  }
}

function revisionObject(
  { owner, templateLabels, data, number }: NewRevision,
  { name, hash }: { readonly name: string; readonly hash: string },
): Unsaved<ControllerRevision> {
  const { namespace, annotations } = owner.metadata
  return {
    metadata: {
      name,
      ...(namespace && { namespace }),
      labels: { ...templateLabels, [REVISION_HASH_LABEL]: hash },
      ...(annotations && { annotations }), // So that the cause of a change stays with it (K4).
      ownerReferences: [controllerReferenceTo(owner)],
    },
    data: data.object,
    revision: number,
  }
}

/** An old template is wanted again: its revision becomes the newest. */
export const renumberRevision = (
  client: Client,
  revision: ControllerRevision,
  number: number,
): Promise<ControllerRevision> => client.update(ControllerRevision, { ...revision, revision: number })
