import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where one machine keeps its things. What must not survive a reboot lies below /run, with a short path for sockets. */
export interface MachineLayout {
  readonly containerd: string
  readonly containerdRoot: string
  readonly containerdState: string
  readonly containerdSocket: string
  readonly registryConfig: string
  readonly cniConfig: string
  readonly cniBinaries: string
  readonly kubelet: string
  readonly podLogs: string
  readonly volumes: string
  readonly network: string
  /** Pods that this machine runs by itself, one file each. */
  readonly manifests: string
  /** Certificates of this machine's kubelet. */
  readonly certificates: string
  readonly run: string
  readonly cgroupRoot: string
}

const CNI_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin']

export function machineLayoutOf(dataDir: string): MachineLayout {
  const id = createHash('sha256').update(dataDir).digest('hex').slice(0, 8)
  const run = `/run/holdfast-${id}`
  return {
    containerd: join(dataDir, 'containerd'),
    containerdRoot: join(dataDir, 'containerd', 'root'),
    containerdState: join(run, 'containerd'),
    containerdSocket: join(run, 'containerd.sock'),
    registryConfig: join(dataDir, 'containerd', 'registries'),
    cniConfig: join(dataDir, 'cni'),
    cniBinaries: CNI_FOLDERS.find(folder => existsSync(join(folder, 'bridge'))) ?? CNI_FOLDERS[0]!,
    kubelet: join(dataDir, 'kubelet'),
    podLogs: join(dataDir, 'pod-logs'),
    volumes: join(dataDir, 'volumes'),
    network: join(dataDir, 'network'),
    manifests: join(dataDir, 'manifests'),
    certificates: join(dataDir, 'pki'),
    run,
    cgroupRoot: `/holdfast-${id}`,
  }
}
