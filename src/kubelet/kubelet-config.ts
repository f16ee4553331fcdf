/** What one kubelet may be told. Every field has the value that upstream users meet. */
export interface KubeletConfig {
  /** Volumes, projected files and other state of Pods live below it. */
  readonly rootDirectory: string
  /** Container logs: `<logs>/<namespace>_<name>_<uid>/<container>/<n>.log`. */
  readonly podLogsDirectory: string
  readonly clusterDomain: string
  readonly clusterDns: readonly string[]
  readonly kubeletVersion: string
  readonly podsMax: number
  /** Port of the kubelet's own HTTPS endpoint, published in the Node's status. */
  readonly endpointPort: number
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[]
  /** Overrides the addresses of the machine, first is InternalIP. */
  readonly addresses?: readonly string[]
  /** Whether the kubelet makes its own Node object. */
  readonly registersNode: boolean
  readonly systemReserved: Readonly<Record<string, string>>
  readonly leaseDurationSeconds: number
  readonly statusIntervalMs: number
  /** Manifests of Pods that the machine itself wants to run; absent: none. */
  readonly staticPodDirectory?: string
  readonly imageGc: { readonly highPercent: number; readonly lowPercent: number; readonly ageMsMin: number }
  readonly logs: { readonly bytesMax: number; readonly filesMax: number }
  /** How long Pods may take to end when the machine goes down, and what of it is kept for critical ones. 0: they are not asked. */
  readonly shutdown: { readonly graceMs: number; readonly criticalMs: number }
  readonly backoff: { readonly msMin: number; readonly msMax: number; readonly resetMs: number }
}

export const defaultKubeletConfig: KubeletConfig = {
  rootDirectory: '/var/lib/holdfast/kubelet',
  podLogsDirectory: '/var/log/pods',
  clusterDomain: 'cluster.local',
  clusterDns: ['10.96.0.10'],
  kubeletVersion: 'v1.36.0',
  podsMax: 110,
  endpointPort: 10250,
  labels: {},
  taints: [],
  registersNode: true,
  systemReserved: {},
  leaseDurationSeconds: 40,
  statusIntervalMs: 10_000,
  imageGc: { highPercent: 85, lowPercent: 80, ageMsMin: 120_000 },
  logs: { bytesMax: 10 * 1024 * 1024, filesMax: 5 },
  shutdown: { graceMs: 0, criticalMs: 0 },
  backoff: { msMin: 10_000, msMax: 300_000, resetMs: 600_000 },
}
