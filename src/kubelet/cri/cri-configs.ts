import type {
  ContainerConfig,
  ContainerResources,
  ContainerSecurity,
  NamespaceModes,
  SandboxConfig,
  SecurityProfile,
} from '../doors.ts'

/** Labels by which the runtime keeps whose a sandbox or container is; the names are those that other tools know too. */
export const LABEL = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const

/** The image as the Pod names it: several names may lead to one image, and the runtime then tells any of them. */
export const IMAGE_ANNOTATION = 'io.kubernetes.container.image'

const CPU_PERIOD_US = 100_000

/** `PodSandboxConfig` of CRI. */
export function criSandboxConfigOf(config: SandboxConfig): object {
  const { pod, attempt, hostname, logDirectory, dns, portMappings, security } = config
  return {
    metadata: { name: pod.name, uid: pod.uid, namespace: pod.namespace, attempt },
    // Pods on the machine's network share its host name; naming one would change the machine's.
    hostname: config.namespaces.network === 'node' ? '' : hostname,
    log_directory: logDirectory,
    ...(dns && { dns_config: dns }),
    port_mappings: portMappings.map(({ protocol, containerPort, hostPort, hostIp }) => ({
      protocol,
      container_port: containerPort,
      host_port: hostPort,
      host_ip: hostIp,
    })),
    labels: { ...config.labels, ...podLabelsOf(config) },
    annotations: config.annotations,
    linux: {
      cgroup_parent: config.cgroupParent ?? '',
      sysctls: config.sysctls,
      security_context: {
        namespace_options: namespaceOptionsOf(config.namespaces),
        ...(security.runAsUser !== undefined && { run_as_user: { value: security.runAsUser } }),
        ...(security.runAsGroup !== undefined && { run_as_group: { value: security.runAsGroup } }),
        supplemental_groups: security.supplementalGroups,
        privileged: security.privileged,
        seccomp: seccompOf(security.seccomp),
      },
    },
  }
}

const podLabelsOf = ({ pod }: SandboxConfig): Record<string, string> => ({
  [LABEL.podName]: pod.name,
  [LABEL.podNamespace]: pod.namespace,
  [LABEL.podUid]: pod.uid,
})

/** `ContainerConfig` of CRI. */
export function criContainerConfigOf(config: ContainerConfig, sandbox: SandboxConfig): object {
  return {
    metadata: { name: config.name, attempt: config.attempt },
    image: { image: config.imageId, user_specified_image: config.image },
    command: config.command,
    args: config.args,
    working_dir: config.workingDir,
    envs: config.env.map(({ name, value }) => ({ key: name, value: Buffer.from(value) })), // Bytes on the wire, as the kernel has it.
    mounts: config.mounts.map(({ containerPath, hostPath, readOnly, propagation }) => ({
      container_path: containerPath,
      host_path: hostPath,
      readonly: readOnly,
      propagation: PROPAGATION[propagation],
    })),
    labels: { ...config.labels, ...podLabelsOf(sandbox), [LABEL.containerName]: config.name },
    annotations: { ...config.annotations, [IMAGE_ANNOTATION]: config.image },
    log_path: config.logPath,
    stdin: config.stdin,
    stdin_once: config.stdinOnce,
    tty: config.tty,
    linux: { resources: criResourcesOf(config.resources), security_context: criSecurityOf(config.security) },
  }
}

const PROPAGATION = {
  private: 'PROPAGATION_PRIVATE',
  hostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const

export const criResourcesOf = ({ cpuShares, cpuQuota, memoryLimitBytes, oomScoreAdj }: ContainerResources): object => ({
  cpu_shares: cpuShares,
  cpu_period: CPU_PERIOD_US,
  cpu_quota: cpuQuota ?? 0,
  memory_limit_in_bytes: memoryLimitBytes ?? 0,
  oom_score_adj: oomScoreAdj,
})

/** What runtimes hide of /proc and /sys unless told otherwise. */
const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
]
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

function criSecurityOf(security: ContainerSecurity): object {
  const hides = !security.privileged && security.procMount === 'Default'
  return {
    capabilities: { add_capabilities: security.addCapabilities, drop_capabilities: security.dropCapabilities },
    privileged: security.privileged,
    namespace_options: namespaceOptionsOf(security.namespaces),
    ...(security.runAsUser !== undefined && { run_as_user: { value: security.runAsUser } }),
    ...(security.runAsGroup !== undefined && { run_as_group: { value: security.runAsGroup } }),
    supplemental_groups: security.supplementalGroups,
    readonly_rootfs: security.readOnlyRootFilesystem,
    no_new_privs: security.noNewPrivileges,
    masked_paths: hides ? MASKED_PATHS : [],
    readonly_paths: hides ? READONLY_PATHS : [],
    seccomp: seccompOf(security.seccomp),
  }
}

function seccompOf(profile: SecurityProfile): object {
  if (profile.type === 'localhost') return { profile_type: 'Localhost', localhost_ref: profile.path }
  return { profile_type: profile.type === 'unconfined' ? 'Unconfined' : 'RuntimeDefault' }
}

function namespaceOptionsOf({ network, ipc, pid }: NamespaceModes): object {
  const base = { network: network === 'node' ? 'NODE' : 'POD', ipc: ipc === 'node' ? 'NODE' : 'POD' }
  if (typeof pid === 'object') return { ...base, pid: 'TARGET', target_id: pid.targetContainerId }
  return { ...base, pid: pid === 'node' ? 'NODE' : pid === 'pod' ? 'POD' : 'CONTAINER' }
}
