import { PAUSE_IMAGE } from '../images/pause-image.ts'

export interface ContainerdPaths {
  /** Images and containers; survives everything. */
  readonly root: string
  /** Sockets and mounts; gone after a reboot. */
  readonly state: string
  readonly socket: string
  readonly cniBinaries: string
  readonly cniConfig: string
  /** Hosts files of registry mirrors (`<registry>/hosts.toml`); absent: none. */
  readonly registryConfig?: string
}

export interface ContainerdConfig extends ContainerdPaths {
  /** Whether we may make a process less likely to be killed than we are (CAP_SYS_RESOURCE). */
  readonly mayLowerOomScore: boolean
  /** Where exec, attach and port-forward are streamed from: an address that the kubelet reaches. */
  readonly streamAddress: string
}

const text = (value: string): string => JSON.stringify(value)

/** The configuration of a containerd that serves one machine and nobody else (config version 2, containerd 1.6). */
export const containerdConfigText = (config: ContainerdConfig): string => `version = 2
root = ${text(config.root)}
state = ${text(config.state)}
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = ${text(config.socket)}

[ttrpc]
  address = ${text(`${config.socket}.ttrpc`)}

[debug]
  level = "warn"

[plugins."io.containerd.internal.v1.opt"]
  path = ${text(`${config.root}/opt`)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(PAUSE_IMAGE)}
  restrict_oom_score_adj = ${!config.mayLowerOomScore}
  stream_server_address = ${text(config.streamAddress)}
  stream_server_port = "0"
  stream_idle_timeout = "4h0m0s"
  disable_tcp_service = false
  netns_mounts_under_state_dir = true
  enable_selinux = false
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = ${text(config.cniBinaries)}
  conf_dir = ${text(config.cniConfig)}
  max_conf_num = 1

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = ${text(config.registryConfig ?? '')}
`
