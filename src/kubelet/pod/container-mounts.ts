import type { Container, Pod, VolumeMount } from '../../api/core-v1/types.ts'
import type { ContainerMount, EnvVariable } from '../doors.ts'
import type { MountedVolume } from '../volumes/volume-plugin.ts'
import { expanded } from './expansion.ts'
import type { PodContext } from './pod-context.ts'
import { aliasLinesOf, hostsFileOf } from './pod-network.ts'
import { StartFailure } from './start-failure.ts'

export interface MountsInput {
  readonly pod: Pod
  readonly container: Container
  readonly attempt: number
  readonly volumes: ReadonlyMap<string, MountedVolume>
  readonly env: readonly EnvVariable[]
  readonly podAddresses: readonly string[]
}

const PROPAGATION = { None: 'private', HostToContainer: 'hostToContainer', Bidirectional: 'bidirectional' } as const

/** Everything that a container finds mounted: its volumes, /etc/hosts, the file for its last words. */
export async function containerMountsOf(context: PodContext, input: MountsInput): Promise<readonly ContainerMount[]> {
  const mounts: ContainerMount[] = []
  for (const mount of input.container.volumeMounts ?? []) mounts.push(await volumeMountOf(context, mount, input))
  const targets = new Set(mounts.map(({ containerPath }) => containerPath))
  if (!targets.has('/etc/hosts')) mounts.push(await hostsMountOf(context, input))
  const messagePath = input.container.terminationMessagePath ?? '/dev/termination-log'
  mounts.push(await terminationLogMountOf(context, input, messagePath))
  return mounts
}

async function volumeMountOf(context: PodContext, mount: VolumeMount, input: MountsInput): Promise<ContainerMount> {
  const volume = input.volumes.get(mount.name)
  if (!volume)
    throw new StartFailure(
      'CreateContainerConfigError',
      `cannot find volume "${mount.name}" to mount into container "${input.container.name}"`,
    )
  return {
    hostPath: await sourcePathOf(context, mount, { volume, input }),
    containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
    readOnly: Boolean(mount.readOnly) || volume.readOnly,
    propagation: PROPAGATION[mount.mountPropagation ?? 'None'],
  }
}

async function sourcePathOf(
  { doors }: PodContext,
  { name, subPath, subPathExpr }: VolumeMount,
  { volume, input }: { volume: MountedVolume; input: MountsInput },
): Promise<string> {
  const variables = new Map(input.env.map(({ name: key, value }) => [key, value]))
  const below = subPathExpr ? expanded(subPathExpr, variables) : subPath
  if (!below) return volume.path
  if (subPathExpr && /\$\([^)]*\)/.test(below)) {
    throw new StartFailure(
      'CreateContainerConfigError',
      `failed to expand subPathExpr of volumeMount "${name}": missing value for "${subPathExpr}"`,
    )
  }
  if (below.startsWith('/') || below.split('/').includes('..')) {
    throw new StartFailure(
      'CreateContainerConfigError',
      `subPath "${below}" of volumeMount "${name}" must be a relative path without '..'`,
    )
  }
  try {
    return await doors.disk.resolveBelow(volume.path, below)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartFailure(
      'CreateContainerConfigError',
      `failed to prepare subPath for volumeMount "${name}" of container "${input.container.name}": ${reason}`,
    )
  }
}

async function hostsMountOf(context: PodContext, { pod, podAddresses }: MountsInput): Promise<ContainerMount> {
  const { doors, volumes, config } = context
  const path = `${volumes.directoryOf(pod.metadata.uid)}/etc-hosts`
  const text = pod.spec.hostNetwork
    ? `${await machineHostsOf(context)}${aliasLinesOf(pod)}`
    : hostsFileOf(pod, { addresses: podAddresses, clusterDomain: config.clusterDomain })
  await doors.disk.writeFile(path, Buffer.from(text), 0o644)
  return { hostPath: path, containerPath: '/etc/hosts', readOnly: false, propagation: 'private' }
}

const HOSTS_BYTES_MAX = 1024 * 1024

async function machineHostsOf({ doors }: PodContext): Promise<string> {
  const content = await doors.disk.readFile('/etc/hosts', HOSTS_BYTES_MAX)
  return content ? Buffer.from(content).toString('utf8') : '127.0.0.1\tlocalhost\n'
}

/** Where the last words of one container are on the machine. */
export const terminationLogPathOf = (
  { volumes }: PodContext,
  { podUid, name, attempt }: { podUid: string; name: string; attempt: number },
): string => `${volumes.directoryOf(podUid)}/containers/${name}/${attempt}`

async function terminationLogMountOf(
  context: PodContext,
  { pod, container, attempt }: MountsInput,
  containerPath: string,
): Promise<ContainerMount> {
  const hostPath = terminationLogPathOf(context, { podUid: pod.metadata.uid, name: container.name, attempt })
  await context.doors.disk.writeFile(hostPath, new Uint8Array(), 0o666)
  return { hostPath, containerPath, readOnly: false, propagation: 'private' }
}
