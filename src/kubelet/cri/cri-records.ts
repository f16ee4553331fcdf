import type { ContainerPhase, ContainerRecord, ContainerUsage, Image, PodIdentity, Sandbox } from '../doors.ts'
import { IMAGE_ANNOTATION, LABEL } from './cri-configs.ts'
import type { CriContainerStats, CriContainerStatus, CriImage, CriSandbox, CriSandboxStatus } from './cri-messages.ts'

type Labels = Readonly<Record<string, string>>

const identityFrom = (labels: Labels): PodIdentity => ({
  namespace: labels[LABEL.podNamespace] ?? '',
  name: labels[LABEL.podName] ?? '',
  uid: labels[LABEL.podUid] ?? '',
})

const nanosecondsAsDate = (nanoseconds: number): Date => new Date(Math.floor(nanoseconds / 1e6))

/** `status` is absent for sandboxes that are not ready: they have no addresses. */
export function sandboxFrom(listed: CriSandbox, status: CriSandboxStatus | undefined): Sandbox {
  const { ip = '', additional_ips: more = [] } = status?.network ?? {}
  return {
    id: listed.id,
    pod: { namespace: listed.metadata.namespace, name: listed.metadata.name, uid: listed.metadata.uid },
    attempt: listed.metadata.attempt,
    isReady: (status ?? listed).state === 'SANDBOX_READY',
    createdAt: nanosecondsAsDate(listed.created_at),
    addresses: ip ? [ip, ...more.map(({ ip: address }) => address)] : [],
    labels: listed.labels,
    annotations: listed.annotations,
  }
}

const PHASES: Readonly<Record<string, ContainerPhase>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
}

export function containerFrom(status: CriContainerStatus, sandboxId: string): ContainerRecord {
  const phase = PHASES[status.state] ?? 'unknown'
  return {
    id: status.id,
    sandboxId,
    pod: identityFrom(status.labels),
    name: status.metadata.name,
    attempt: status.metadata.attempt,
    phase,
    image: status.annotations[IMAGE_ANNOTATION] ?? status.image?.image ?? '',
    imageId: status.image_ref,
    createdAt: nanosecondsAsDate(status.created_at),
    ...(status.started_at > 0 && { startedAt: nanosecondsAsDate(status.started_at) }),
    ...(phase === 'exited' && {
      finishedAt: nanosecondsAsDate(status.finished_at || status.created_at),
      exitCode: status.exit_code,
    }),
    ...(status.reason && { reason: status.reason }),
    ...(status.message && { message: status.message }),
    labels: status.labels,
    annotations: status.annotations,
    logPath: status.log_path,
  }
}

export const imageFrom = ({ id, repo_tags, repo_digests, size, uid, username, pinned }: CriImage): Image => ({
  id,
  tags: repo_tags,
  digests: repo_digests,
  sizeBytes: size,
  ...(uid && { uid: uid.value }),
  ...(username && { username }),
  pinned,
})

export const usageFrom = ({ attributes, cpu, memory, writable_layer }: CriContainerStats): ContainerUsage => ({
  containerId: attributes.id,
  pod: identityFrom(attributes.labels),
  name: attributes.metadata.name,
  at: nanosecondsAsDate(cpu?.timestamp ?? 0),
  cpuNanosecondsTotal: cpu?.usage_core_nano_seconds?.value ?? 0,
  memoryWorkingSetBytes: memory?.working_set_bytes?.value ?? 0,
  memoryUsageBytes: memory?.usage_bytes?.value ?? 0,
  writableLayerBytes: writable_layer?.used_bytes?.value ?? 0,
})
