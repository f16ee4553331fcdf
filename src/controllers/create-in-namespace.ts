import type { Kind, KubernetesObject, Unsaved } from '../api/kind.ts'
import type { Client } from '../client/client.ts'
import { isStatusError } from '../machinery/status.ts'

/** Creates what every namespace shall have. That it is there already, or that the namespace is going, is fine as well. */
export async function createInNamespace<T extends KubernetesObject>(
  client: Client,
  kind: Kind<T>,
  object: Unsaved<T>,
): Promise<void> {
  try {
    await client.create(kind, object)
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists') && !isNamespaceGoing(error)) throw error
  }
}

/** The server refuses new content in a namespace that is being deleted, or that is gone. */
export const isNamespaceGoing = (error: unknown): boolean =>
  isStatusError(error, 'NotFound') ||
  (isStatusError(error, 'Forbidden') &&
    (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating'))
