import type { Pod } from '../../api/core-v1/types.ts'
import type { SandboxConfig } from '../doors.ts'
import { namespacesOf, seccompOf } from './container-security.ts'
import { logDirectoryOf, type PodContext } from './pod-context.ts'
import { hostnameOf, portMappingsOf, resolverOf } from './pod-network.ts'

const identityOf = ({ metadata }: Pod): { namespace: string; name: string; uid: string } => ({
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
})

export interface SandboxInput {
  readonly attempt: number
  readonly cgroupParent?: string
}

/** The sandbox that a Pod's spec describes. The same spec gives the same sandbox. */
export function sandboxConfigOf(context: PodContext, pod: Pod, { attempt, cgroupParent }: SandboxInput): SandboxConfig {
  const { config } = context
  const { hostname, resolver } = context.machine()
  const { clusterDns, clusterDomain } = config
  const security = pod.spec.securityContext ?? {}
  const { fsGroup, supplementalGroups = [], runAsUser, runAsGroup } = security
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  return {
    pod: identityOf(pod),
    attempt,
    hostname: hostnameOf(pod, { nodeHostname: hostname, clusterDomain }),
    logDirectory: logDirectoryOf(config, pod),
    dns: resolverOf(pod, { clusterDns, clusterDomain, machine: resolver }),
    portMappings: portMappingsOf(pod),
    labels: pod.metadata.labels ?? {},
    annotations: pod.metadata.annotations ?? {},
    namespaces: namespacesOf(pod),
    ...(cgroupParent && { cgroupParent }),
    sysctls: Object.fromEntries((security.sysctls ?? []).map(({ name, value }) => [name, value])),
    security: {
      ...(runAsUser !== undefined && { runAsUser }),
      ...(runAsGroup !== undefined && runAsUser !== undefined && { runAsGroup }),
      supplementalGroups: fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup],
      privileged: containers.some(({ securityContext }) => securityContext?.privileged),
      seccomp: seccompOf(pod, undefined, seccompDirectoryOf(config.rootDirectory)),
    },
  }
}

export const seccompDirectoryOf = (rootDirectory: string): string => `${rootDirectory}/seccomp`
