import type { Kind, KubernetesObject, Unsaved } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import { isStatusError } from '../../machinery/status.ts'

/** Creates the object unless there is one of its name; what somebody made of that one since then stays. */
export async function ensureObject<T extends KubernetesObject>(
  client: Client,
  kind: Kind<T>,
  object: Unsaved<T>,
): Promise<void> {
  try {
    await client.create(kind, object)
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) throw error
  }
}
