import { join } from 'node:path'

/** Where things lie below the data directory. One place, so that `down`, `status` and the processes agree. */
export interface DataLayout {
  readonly root: string
  /** Which version wrote the directory, and which cluster it belongs to. */
  readonly stamp: string
  readonly certificates: string
  readonly store: string
  /** By which commands reach the store of a running server. */
  readonly storeSocket: string
  /** One file for each process that Holdfast started. */
  readonly processes: string
  readonly logs: string
  readonly adminKubeconfig: string
  /** Held while `up` or `down` work. */
  readonly lock: string
  /** Data of one machine: kubelet, containerd, local volumes. */
  machine(name: string): string
}

export const dataLayoutOf = (root: string): DataLayout => ({
  root,
  stamp: join(root, 'cluster.json'),
  certificates: join(root, 'pki'),
  store: join(root, 'store'),
  storeSocket: join(root, 'store.sock'),
  processes: join(root, 'run'),
  logs: join(root, 'logs'),
  adminKubeconfig: join(root, 'admin.kubeconfig'),
  lock: join(root, 'lock.json'),
  machine: name => join(root, 'machines', name),
})
