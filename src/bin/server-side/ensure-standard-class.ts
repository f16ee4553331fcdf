import { StorageClass } from '../../api/storage-v1/types.ts'
import type { Client } from '../../client/client.ts'
import { standardStorageClass } from '../../controllers/local-volume-provisioner/standard-storage-class.ts'
import { ensureObject } from './ensure-object.ts'

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'

/** Makes the class `standard` once; what an administrator made of it since then stays. */
export async function ensureStandardClass(
  client: Client,
  { isDefault }: { readonly isDefault: boolean },
): Promise<void> {
  const { metadata, ...rest } = standardStorageClass
  const annotations = { ...metadata.annotations, [DEFAULT_CLASS]: String(isDefault) }
  await ensureObject(client, StorageClass, { ...rest, metadata: { ...metadata, annotations } })
}
