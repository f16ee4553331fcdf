/** The messages of CRI v1 as they arrive from gRPC: snake_case fields, enums as names, 64-bit integers as numbers. */

export interface CriMetadata {
  readonly name: string
  readonly uid: string
  readonly namespace: string
  readonly attempt: number
}

export interface CriSandbox {
  readonly id: string
  readonly metadata: CriMetadata
  readonly state: string
  readonly created_at: number
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface CriSandboxStatus extends CriSandbox {
  readonly network: { readonly ip: string; readonly additional_ips: readonly { readonly ip: string }[] } | null
}

export interface CriContainer {
  readonly id: string
  readonly pod_sandbox_id: string
  readonly metadata: { readonly name: string; readonly attempt: number }
  readonly state: string
  readonly created_at: number
  readonly labels: Readonly<Record<string, string>>
}

export interface CriContainerStatus {
  readonly id: string
  readonly metadata: { readonly name: string; readonly attempt: number }
  readonly state: string
  readonly created_at: number
  readonly started_at: number
  readonly finished_at: number
  readonly exit_code: number
  readonly image: { readonly image: string } | null
  readonly image_ref: string
  readonly reason: string
  readonly message: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly log_path: string
}

export interface CriImage {
  readonly id: string
  readonly repo_tags: readonly string[]
  readonly repo_digests: readonly string[]
  readonly size: number
  readonly uid: { readonly value: number } | null
  readonly username: string
  readonly pinned: boolean
}

export interface CriContainerStats {
  readonly attributes: {
    readonly id: string
    readonly metadata: { readonly name: string }
    readonly labels: Readonly<Record<string, string>>
  }
  readonly cpu: {
    readonly timestamp: number
    readonly usage_core_nano_seconds: { readonly value: number } | null
  } | null
  readonly memory: {
    readonly working_set_bytes: { readonly value: number } | null
    readonly usage_bytes: { readonly value: number } | null
  } | null
  readonly writable_layer: { readonly used_bytes: { readonly value: number } | null } | null
}

interface Call<Request, Response> {
  readonly request: Request
  readonly response: Response
}

/** What is called of the two services of CRI. */
export interface CriCalls {
  readonly Version: Call<object, { readonly runtime_name: string; readonly runtime_version: string }>
  readonly Status: Call<
    object,
    {
      readonly status: {
        readonly conditions: readonly { type: string; status: boolean; reason: string; message: string }[]
      }
    }
  >
  readonly RunPodSandbox: Call<{ config: object }, { readonly pod_sandbox_id: string }>
  readonly StopPodSandbox: Call<{ pod_sandbox_id: string }, object>
  readonly RemovePodSandbox: Call<{ pod_sandbox_id: string }, object>
  readonly PodSandboxStatus: Call<{ pod_sandbox_id: string }, { readonly status: CriSandboxStatus }>
  readonly ListPodSandbox: Call<object, { readonly items: readonly CriSandbox[] }>
  readonly CreateContainer: Call<
    { pod_sandbox_id: string; config: object; sandbox_config: object },
    { readonly container_id: string }
  >
  readonly StartContainer: Call<{ container_id: string }, object>
  readonly StopContainer: Call<{ container_id: string; timeout: number }, object>
  readonly RemoveContainer: Call<{ container_id: string }, object>
  readonly ListContainers: Call<object, { readonly containers: readonly CriContainer[] }>
  readonly ContainerStatus: Call<{ container_id: string }, { readonly status: CriContainerStatus }>
  readonly UpdateContainerResources: Call<{ container_id: string; linux: object }, object>
  readonly ReopenContainerLog: Call<{ container_id: string }, object>
  readonly ExecSync: Call<
    { container_id: string; cmd: readonly string[]; timeout: number },
    { readonly stdout: Buffer; readonly stderr: Buffer; readonly exit_code: number }
  >
  readonly Exec: Call<object, { readonly url: string }>
  readonly Attach: Call<object, { readonly url: string }>
  readonly PortForward: Call<{ pod_sandbox_id: string; port: readonly number[] }, { readonly url: string }>
  readonly ListContainerStats: Call<object, { readonly stats: readonly CriContainerStats[] }>
}

export interface CriImageCalls {
  readonly ListImages: Call<object, { readonly images: readonly CriImage[] }>
  readonly ImageStatus: Call<{ image: { image: string } }, { readonly image: CriImage | null }>
  readonly PullImage: Call<{ image: { image: string }; auth?: object }, { readonly image_ref: string }>
  readonly RemoveImage: Call<{ image: { image: string } }, object>
  readonly ImageFsInfo: Call<
    object,
    { readonly image_filesystems: readonly { readonly fs_id: { readonly mountpoint: string } | null }[] }
  >
}
