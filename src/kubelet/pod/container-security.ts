import type { Container, Pod, SeccompProfile } from '../../api/core-v1/types.ts'
import type { ContainerSecurity, Image, NamespaceModes, SecurityProfile } from '../doors.ts'
import { podText } from './pod-view.ts'
import { StartFailure } from './start-failure.ts'

export function namespacesOf({ spec }: Pod, targetContainerId?: string): NamespaceModes {
  const own = spec.shareProcessNamespace ? 'pod' : 'container'
  return {
    network: spec.hostNetwork ? 'node' : 'pod',
    ipc: spec.hostIPC ? 'node' : 'pod',
    pid: spec.hostPID ? 'node' : targetContainerId ? { targetContainerId } : own,
  }
}

/** Holdfast confines by default (`SeccompDefault`); privileged containers are never confined. */
export function seccompOf(pod: Pod, container: Container | undefined, seccompDirectory: string): SecurityProfile {
  if (container?.securityContext?.privileged) return { type: 'unconfined' }
  const profile: SeccompProfile | undefined =
    container?.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile
  if (profile?.type === 'Unconfined') return { type: 'unconfined' }
  if (profile?.type === 'Localhost')
    return { type: 'localhost', path: `${seccompDirectory}/${profile.localhostProfile}` }
  return { type: 'runtimeDefault' }
}

export interface SecurityInput {
  readonly pod: Pod
  readonly container: Container
  readonly image: Image
  readonly seccompDirectory: string
  readonly targetContainerId?: string
}

/** The security context of one container over the one of its Pod. Throws where `runAsNonRoot` cannot be kept. */
export function containerSecurityOf({ pod, container, image, ...rest }: SecurityInput): ContainerSecurity {
  const own = container.securityContext ?? {}
  const ofPod = pod.spec.securityContext ?? {}
  const runAsUser = own.runAsUser ?? ofPod.runAsUser
  const runAsGroup = own.runAsGroup ?? ofPod.runAsGroup
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot) demandNonRoot(pod, container, { runAsUser: runAsUser, image })
  const { fsGroup, supplementalGroups = [] } = ofPod
  return {
    // Without a user of the Pod the image's own is used, and a group alone needs its user by number.
    ...(runAsUser !== undefined ? { runAsUser } : image.uid !== undefined && { runAsUser: image.uid }),
    ...(runAsGroup !== undefined && { runAsGroup }),
    supplementalGroups: fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup],
    privileged: own.privileged ?? false,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    seccomp: seccompOf(pod, container, rest.seccompDirectory),
    namespaces: namespacesOf(pod, rest.targetContainerId),
    procMount: own.procMount ?? 'Default',
  }
}

function demandNonRoot(
  pod: Pod,
  container: Container,
  { runAsUser, image }: { runAsUser: number | undefined; image: Image },
): void {
  const where = `(pod: "${podText(pod)}", container: ${container.name})`
  const fail = (text: string): never => {
    throw new StartFailure('CreateContainerConfigError', `${text} ${where}`)
  }
  if (runAsUser !== undefined) {
    if (runAsUser === 0) fail("container's runAsUser breaks non-root policy")
    return
  }
  if (image.username)
    fail(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root`,
    )
  if ((image.uid ?? 0) === 0) fail('container has runAsNonRoot and image will run as root')
}
