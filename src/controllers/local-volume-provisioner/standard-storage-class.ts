import type { Unsaved } from '../../api/kind.ts'
import type { StorageClass } from '../../api/storage-v1/types.ts'
import { IS_DEFAULT_CLASS } from '../../machinery/volume-binding.ts'

/** The provisioner of directories on the machines themselves. */
export const LOCAL_PROVISIONER = 'holdfast.dev/local-directory'

/** The default class of a new cluster: a directory on the machine where the Pod runs, gone with its claim. */
export const standardStorageClass: Unsaved<StorageClass> = {
  metadata: { name: 'standard', annotations: { [IS_DEFAULT_CLASS]: 'true' } },
  provisioner: LOCAL_PROVISIONER,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
}
