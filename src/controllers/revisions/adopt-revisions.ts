import { ControllerRevision } from '../../api/apps-v1/types.ts'
import type { KubernetesObject } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { controllerOf, controllerReferenceTo, isTerminating, keyOf } from '../../machinery/object.ts'

/**
 * Makes the owner the controller of those revisions that have none (L8). `mayAdopt` is asked once, and only if there is
 * something to adopt: it looks at the live owner and throws when that is gone or going.
 */
export async function adoptRevisions(
  client: Client,
  { owner, mayAdopt }: { readonly owner: KubernetesObject; readonly mayAdopt: () => Promise<void> },
  revisions: readonly ControllerRevision[],
): Promise<readonly ControllerRevision[]> {
  const isOrphan = (revision: ControllerRevision): boolean => !controllerOf(revision) && !isTerminating(revision)
  if (!revisions.some(isOrphan)) return revisions
  await mayAdopt()
  return Promise.all(revisions.map(async one => (isOrphan(one) ? adopt(client, owner, one) : one)))
}

function adopt(client: Client, owner: KubernetesObject, revision: ControllerRevision): Promise<ControllerRevision> {
  const { ownerReferences = [] } = revision.metadata
  const others = ownerReferences.filter(({ uid }) => uid !== owner.metadata.uid)
  const { uid, resourceVersion } = revision.metadata // Fails with Conflict when somebody was faster.
  const metadata = { uid, resourceVersion, ownerReferences: [...others, controllerReferenceTo(owner)] }
  return client.patch(ControllerRevision, keyOf(revision), {
    type: 'merge',
    body: { metadata } as unknown as JsonObject,
  })
}
