import type { Readable, Writable } from 'node:stream'

/**
 * The doors by which one kubelet reaches its machine. On a real machine they are containerd, the file system, sockets
 * and /proc; in a simulation they are fakes driven by one seed. Nothing else of the kubelet touches the world.
 */
export interface MachineDoors {
  readonly runtime: ContainerRuntime
  readonly disk: MachineDisk
  readonly logs: ContainerLogs
  readonly probes: ProbeDoor
  readonly machine: MachineInfo
  readonly cgroups: PodCgroups
}

// ---------------------------------------------------------------------------------------------- container runtime

/** Why the runtime refused or failed. `unavailable`: the outcome is unknown, the same call may be repeated. */
export type RuntimeErrorCode = 'notFound' | 'unavailable' | 'timeout' | 'invalid' | 'pullFailed' | 'failed'

export class RuntimeError extends Error {
  override name = 'RuntimeError'
  readonly code: RuntimeErrorCode

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export const isRuntimeError = (error: unknown, code: RuntimeErrorCode): error is RuntimeError =>
  error instanceof RuntimeError && error.code === code

/** Whose sandbox or container something is; kept by the runtime, so that it is found again after a restart. */
export interface PodIdentity {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export interface SandboxConfig {
  readonly pod: PodIdentity
  /** Counts the sandboxes of one Pod, from 0. */
  readonly attempt: number
  readonly hostname: string
  /** Container logs are written below it. */
  readonly logDirectory: string
  readonly dns?: {
    readonly servers: readonly string[]
    readonly searches: readonly string[]
    readonly options: readonly string[]
  }
  readonly portMappings: readonly PortMapping[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly namespaces: NamespaceModes
  readonly cgroupParent?: string
  readonly sysctls: Readonly<Record<string, string>>
  readonly security: {
    readonly runAsUser?: number
    readonly runAsGroup?: number
    readonly supplementalGroups: readonly number[]
    readonly privileged: boolean
    readonly seccomp: SecurityProfile
  }
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly containerPort: number
  readonly hostPort: number
  readonly hostIp: string
}

export interface NamespaceModes {
  readonly network: 'pod' | 'node'
  readonly ipc: 'pod' | 'node'
  /** `pod`: all containers see each other's processes. */
  readonly pid: 'pod' | 'container' | 'node' | { readonly targetContainerId: string }
}

export type SecurityProfile =
  | { readonly type: 'runtimeDefault' | 'unconfined' }
  | { readonly type: 'localhost'; readonly path: string }

export interface Sandbox {
  readonly id: string
  readonly pod: PodIdentity
  readonly attempt: number
  /** False once it was stopped or died: its network is gone, and a running Pod needs a new one. */
  readonly isReady: boolean
  readonly createdAt: Date
  /** Empty for Pods on the machine's network, and for sandboxes that are not ready. */
  readonly addresses: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface ContainerConfig {
  readonly name: string
  /** Counts the containers of this name in one Pod, from 0: the restart count. */
  readonly attempt: number
  /** What `findImage` or `pullImage` returned as `id`. */
  readonly imageId: string
  /** As the Pod names it. */
  readonly image: string
  readonly command: readonly string[]
  readonly args: readonly string[]
  readonly workingDir: string
  readonly env: readonly EnvVariable[]
  readonly mounts: readonly ContainerMount[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Relative to the sandbox's log directory. */
  readonly logPath: string
  readonly stdin: boolean
  readonly stdinOnce: boolean
  readonly tty: boolean
  readonly resources: ContainerResources
  readonly security: ContainerSecurity
}

export interface EnvVariable {
  readonly name: string
  readonly value: string
}

export interface ContainerMount {
  readonly hostPath: string
  readonly containerPath: string
  readonly readOnly: boolean
  readonly propagation: 'private' | 'hostToContainer' | 'bidirectional'
}

export interface ContainerResources {
  /** cgroup CPU weight in shares (1024 for one CPU). */
  readonly cpuShares: number
  /** Microseconds of CPU in each 100 ms; absent: no limit. */
  readonly cpuQuota?: number
  readonly memoryLimitBytes?: number
  readonly oomScoreAdj: number
}

export interface ContainerSecurity {
  readonly runAsUser?: number
  readonly runAsGroup?: number
  readonly supplementalGroups: readonly number[]
  readonly privileged: boolean
  readonly readOnlyRootFilesystem: boolean
  readonly noNewPrivileges: boolean
  readonly addCapabilities: readonly string[]
  readonly dropCapabilities: readonly string[]
  readonly seccomp: SecurityProfile
  readonly namespaces: NamespaceModes
  /** `Unmasked`: /proc as the machine has it. */
  readonly procMount: 'Default' | 'Unmasked'
}

export type ContainerPhase = 'created' | 'running' | 'exited' | 'unknown'

export interface ContainerRecord {
  readonly id: string
  readonly sandboxId: string
  readonly pod: PodIdentity
  readonly name: string
  readonly attempt: number
  readonly phase: ContainerPhase
  readonly image: string
  readonly imageId: string
  readonly createdAt: Date
  readonly startedAt?: Date
  readonly finishedAt?: Date
  readonly exitCode?: number
  /** `OOMKilled`, `Completed`, `Error`, `StartError` …: the runtime's word for the end. */
  readonly reason?: string
  readonly message?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Absolute path of the log file. */
  readonly logPath: string
}

/**
 * `changed`: look at this sandbox or container again; it may be gone. `lagged`: some changes were missed, look at
 * everything again. Events may be doubled and may come before or after the call that caused them has returned.
 */
export type RuntimeEvent =
  | { readonly kind: 'changed'; readonly id: string; readonly podUid?: string }
  | { readonly kind: 'lagged' }

export interface ExecResult {
  readonly exitCode: number
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

export interface TerminalSize {
  readonly width: number
  readonly height: number
}

/** A process whose standard streams we hold. Destroying `stdin` or aborting the signal of the call detaches. */
export interface ProcessStreams {
  readonly stdin?: Writable
  readonly stdout?: Readable
  /** Never there with a terminal: it mixes both. */
  readonly stderr?: Readable
  resize(size: TerminalSize): void
  /** Resolves with the exit code when the process ended (attach: when the stream did, with 0). Rejects if it broke. */
  readonly ended: Promise<number>
}

export interface StreamsWanted {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** One connection to a port inside a sandbox's network. */
export interface PortConnection {
  readonly input: Writable
  readonly output: Readable
  /** Resolves when both ways are closed; rejects with what the far side reported (connection refused …). */
  readonly ended: Promise<void>
}

export interface RegistryCredentials {
  readonly username?: string
  readonly password?: string
  readonly identityToken?: string
  readonly registryToken?: string
}

export interface Image {
  readonly id: string
  readonly tags: readonly string[]
  readonly digests: readonly string[]
  readonly sizeBytes: number
  /** The image's own user: a number, or a name that only the image's /etc/passwd can resolve. */
  readonly uid?: number
  readonly username?: string
  readonly pinned: boolean
}

export interface FileSystemUsage {
  readonly path: string
  readonly capacityBytes: number
  readonly availableBytes: number
  readonly usedBytes: number
  readonly inodes: number
  readonly inodesFree: number
}

export interface ContainerUsage {
  readonly containerId: string
  readonly pod: PodIdentity
  readonly name: string
  readonly at: Date
  readonly cpuNanosecondsTotal: number
  readonly memoryWorkingSetBytes: number
  readonly memoryUsageBytes: number
  readonly writableLayerBytes: number
}

/**
 * A container runtime by the rules of CRI v1. Stop and remove are idempotent: what is gone already is success.
 * Every method throws `RuntimeError`. Times are the runtime's.
 */
export interface ContainerRuntime {
  version(): Promise<{ readonly name: string; readonly version: string }>
  /** `problem` is empty when it can run Pods. */
  readiness(): Promise<{ readonly runtimeProblem?: string; readonly networkProblem?: string }>

  runSandbox(config: SandboxConfig): Promise<string>
  /** Kills what still runs in it and gives its network back. */
  stopSandbox(id: string): Promise<void>
  removeSandbox(id: string): Promise<void>
  /** All sandboxes, or those of one Pod, newest first. */
  listSandboxes(filter?: { readonly podUid: string }): Promise<readonly Sandbox[]>

  createContainer(options: { sandboxId: string; sandbox: SandboxConfig; container: ContainerConfig }): Promise<string>
  startContainer(id: string): Promise<void>
  /** Sends the stop signal, and SIGKILL after `graceMs`. Resolves when it has ended. */
  stopContainer(id: string, graceMs: number): Promise<void>
  removeContainer(id: string): Promise<void>
  /** All containers, or those of one Pod, newest first. */
  listContainers(filter?: { readonly podUid: string }): Promise<readonly ContainerRecord[]>
  updateResources(id: string, resources: ContainerResources): Promise<void>
  /** Writes go on in a new file at the same path: call it after moving the old one away. */
  reopenLog(id: string): Promise<void>

  /** Runs until `signal` is aborted. Reconnects by itself, with `lagged` after every gap. */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>

  /** Throws `timeout` after `timeoutMs`. */
  execSync(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>
  exec(
    id: string,
    options: StreamsWanted & { readonly command: readonly string[] },
    signal: AbortSignal,
  ): Promise<ProcessStreams>
  attach(id: string, options: StreamsWanted, signal: AbortSignal): Promise<ProcessStreams>
  portForward(sandboxId: string, port: number, signal: AbortSignal): Promise<PortConnection>

  /** By name with tag, digest or id; undefined when it is not on the machine. */
  findImage(reference: string): Promise<Image | undefined>
  listImages(): Promise<readonly Image[]>
  /** Throws `notFound` for an image that the registry has not, `pullFailed` otherwise. */
  pullImage(reference: string, credentials?: RegistryCredentials): Promise<Image>
  removeImage(id: string): Promise<void>
  imageFileSystem(): Promise<FileSystemUsage>

  usage(): Promise<readonly ContainerUsage[]>
}

// ------------------------------------------------------------------------------------------------------------ logs

/** One line of a container, or a part of one that was too long. */
export interface LogLine {
  /** RFC 3339 with nanoseconds, as the runtime wrote it. */
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  /** With its line break unless it is a part that goes on in the next. */
  readonly content: Uint8Array
}

/** What containers wrote, in the CRI log format, by path (`ContainerRecord.logPath`). */
export interface ContainerLogs {
  /**
   * Lines already there, then (with `follow`) new ones as they are written, over rotations, until `isFinished` says that
   * nothing more comes or the signal is aborted. `tailLines` counts from the end, before `follow` begins.
   */
  read(
    path: string,
    options: {
      readonly tailLines?: number
      readonly since?: Date
      readonly follow?: { readonly isFinished: () => Promise<boolean> }
      readonly signal: AbortSignal
    },
  ): AsyncIterable<LogLine>
  sizeOf(path: string): Promise<number>
  /** Moves the file aside, keeping `filesMax` old ones; the caller then calls `reopenLog`. */
  rotate(path: string, filesMax: number): Promise<void>
  /** Removes the file and its rotated siblings. */
  remove(path: string): Promise<void>
}

// ------------------------------------------------------------------------------------------------------------ disk

export type PathKind = 'missing' | 'directory' | 'file' | 'socket' | 'charDevice' | 'blockDevice' | 'other'

export interface FileContent {
  /** Relative, without `..`. */
  readonly path: string
  readonly content: Uint8Array
  readonly mode: number
}

export interface Ownership {
  readonly uid?: number
  readonly gid?: number
}

export interface MountPoint {
  readonly path: string
  readonly source: string
  readonly type: string
}

/** The file system of the machine. Paths are absolute. Missing things read as empty or undefined, and remove well. */
export interface MachineDisk {
  pathKind(path: string): Promise<PathKind>
  /** With all parents. An existing directory keeps its mode. */
  makeDirectory(path: string, mode: number): Promise<void>
  /** Creates an empty file with its parents if nothing is there. */
  makeFile(path: string, mode: number): Promise<void>
  writeFile(path: string, content: Uint8Array, mode: number): Promise<void>
  readFile(path: string, bytesMax: number): Promise<Uint8Array | undefined>
  listDirectory(path: string): Promise<readonly string[]>
  /** Recursively, never across a mount point (throws `busy` when one lies below). */
  remove(path: string): Promise<void>
  /**
   * Makes the directory show exactly these files, switched at one moment (a `..data` link, as upstream lays it out).
   * Resolves with whether anything changed.
   */
  project(directory: string, files: readonly FileContent[], owner?: Ownership): Promise<boolean>
  /** Gives everything below to the group, group-readable (and -writable unless `readOnly`), new files inherit it. */
  giveToGroup(
    path: string,
    gid: number,
    options: { readonly readOnly: boolean; readonly onlyIfRootDiffers: boolean },
  ): Promise<void>
  setOwner(path: string, owner: Ownership): Promise<void>
  setMode(path: string, mode: number): Promise<void>
  /** The path of `subPath` inside `root` with links resolved; made as a directory if missing. Throws if it leaves `root`. */
  resolveBelow(root: string, subPath: string): Promise<string>

  mounts(below: string): Promise<readonly MountPoint[]>
  /** Mounts unless the same is mounted there. Throws with the reason that the mount command gave. */
  mount(request: MountRequest): Promise<void>
  /** What is not mounted is success. Throws `busy`. */
  unmount(path: string): Promise<void>

  /** Bytes and inodes below a path (not across mounts). */
  usage(path: string): Promise<{ readonly bytes: number; readonly inodes: number }>
  fileSystemUsage(path: string): Promise<FileSystemUsage>
}

export type MountRequest =
  | { readonly type: 'tmpfs'; readonly path: string; readonly sizeBytes?: number }
  | { readonly type: 'bind'; readonly path: string; readonly source: string; readonly readOnly: boolean }
  | {
      readonly type: 'nfs' | 'block'
      readonly path: string
      readonly source: string
      readonly fsType: string
      readonly options: readonly string[]
    }

export class DiskError extends Error {
  override name = 'DiskError'
  readonly code: 'busy' | 'outside' | 'failed'

  constructor(code: DiskError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

// ---------------------------------------------------------------------------------------------------------- probes

/** Connections from the machine to its Pods. Each throws an Error whose message says what went wrong. */
export interface ProbeDoor {
  /** Follows no redirect to another host; the body is cut at 10 KiB. */
  http(request: HttpProbe, timeoutMs: number): Promise<{ readonly status: number; readonly body: string }>
  tcp(target: { readonly host: string; readonly port: number }, timeoutMs: number): Promise<void>
  /** The health protocol of gRPC: `SERVING`, `NOT_SERVING`, `UNKNOWN`, `SERVICE_UNKNOWN`. */
  grpc(
    target: { readonly host: string; readonly port: number; readonly service: string },
    timeoutMs: number,
  ): Promise<string>
}

export interface HttpProbe {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers: readonly EnvVariable[]
}

// --------------------------------------------------------------------------------------------------------- machine

export interface MachineFacts {
  readonly hostname: string
  readonly addresses: readonly string[]
  readonly cpuCount: number
  readonly memoryBytes: number
  readonly architecture: string
  readonly operatingSystem: string
  readonly osImage: string
  readonly kernelVersion: string
  /** Changes with every boot of the machine. */
  readonly bootId: string
  readonly machineId: string
  readonly systemUuid: string
}

export interface MachineLoad {
  readonly memoryAvailableBytes: number
  readonly pidsMax: number
  readonly pidsUsed: number
}

export interface ResolverConfig {
  readonly servers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}

export interface MachineInfo {
  facts(): Promise<MachineFacts>
  load(): Promise<MachineLoad>
  /** The machine's own /etc/resolv.conf. */
  resolver(): Promise<ResolverConfig>
}

/** The cgroups that hold a Pod's containers. */
export interface PodCgroups {
  /** Makes the Pod's cgroup with its limits and returns its path, or undefined where cgroups are not managed. */
  ensure(podUid: string, resources: PodCgroupResources): Promise<string | undefined>
  /** Uids that have a cgroup. */
  list(): Promise<readonly string[]>
  remove(podUid: string): Promise<void>
}

export interface PodCgroupResources {
  readonly qosClass: 'Guaranteed' | 'Burstable' | 'BestEffort'
  readonly cpuShares: number
  readonly cpuQuota?: number
  readonly memoryLimitBytes?: number
}
