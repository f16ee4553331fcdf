import type { Container, Pod } from '../../api/core-v1/types.ts'
import type { ContainerConfig, Image, Sandbox } from '../doors.ts'
import type { MountedVolume } from '../volumes/volume-plugin.ts'
import { containerHash } from './container-hash.ts'
import { containerMountsOf } from './container-mounts.ts'
import { containerResourcesOf } from './container-resources.ts'
import { containerSecurityOf } from './container-security.ts'
import { environmentOf } from './environment.ts'
import { expanded } from './expansion.ts'
import { graceMsOf } from './plan.ts'
import { fieldSourcesOf, type PodContext } from './pod-context.ts'
import { seccompDirectoryOf } from './sandbox-config.ts'
import { StartFailure } from './start-failure.ts'

export interface ContainerInput {
  readonly pod: Pod
  readonly container: Container
  readonly sandbox: Sandbox
  readonly attempt: number
  readonly image: Image
  readonly volumes: ReadonlyMap<string, MountedVolume>
  /** For ephemeral containers that join the processes of another. */
  readonly targetContainerId?: string
}

/** The container that a Pod's spec describes. Throws `StartFailure` `CreateContainerConfigError` for what is missing. */
export async function containerConfigOf(context: PodContext, input: ContainerInput): Promise<ContainerConfig> {
  try {
    return await configOf(context, input)
  } catch (error) {
    if (error instanceof StartFailure) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new StartFailure('CreateContainerConfigError', message, { cause: error })
  }
}

async function configOf(context: PodContext, input: ContainerInput): Promise<ContainerConfig> {
  const { pod, container, sandbox, attempt, image, volumes } = input
  const addresses = pod.spec.hostNetwork ? context.machine().hostAddresses.slice(0, 1) : sandbox.addresses
  const fields = fieldSourcesOf(context, pod, addresses)
  const env = await environmentOf({ ...fields, container, objects: context.objects, services: context.services() })
  const variables = new Map(env.map(({ name, value }) => [name, value]))
  const expand = (texts: readonly string[] = []): string[] => texts.map(text => expanded(text, variables))
  return {
    name: container.name,
    attempt,
    imageId: image.id,
    image: container.image ?? '',
    command: expand(container.command),
    args: expand(container.args),
    workingDir: container.workingDir ?? '',
    env,
    mounts: await containerMountsOf(context, { pod, container, attempt, volumes, env, podAddresses: addresses }),
    labels: {},
    annotations: annotationsOf(pod, container),
    logPath: `${container.name}/${attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    resources: containerResourcesOf(pod, container, context.machine().memoryBytes),
    security: containerSecurityOf({
      pod,
      container,
      image,
      seccompDirectory: seccompDirectoryOf(context.config.rootDirectory),
      ...(input.targetContainerId && { targetContainerId: input.targetContainerId }),
    }),
  }
}

/** What is needed to end the container properly when its Pod is known no more. */
const annotationsOf = (pod: Pod, container: Container): Record<string, string> => ({
  'io.kubernetes.container.hash': containerHash(container),
  'io.kubernetes.container.terminationMessagePath': container.terminationMessagePath ?? '/dev/termination-log',
  'io.kubernetes.container.terminationMessagePolicy': container.terminationMessagePolicy ?? 'File',
  'io.kubernetes.pod.terminationGracePeriod': String(graceMsOf(pod) / 1000),
})
