import type { Container } from '../../api/core-v1/types.ts'
import { type Pod, Secret } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { Clock } from '../../machinery/clock.ts'
import { durationText } from '../../machinery/duration.ts'
import { type ContainerRuntime, type Image, isRuntimeError, type RegistryCredentials } from '../doors.ts'
import type { KubeletConfig } from '../kubelet-config.ts'
import { CrashBackoff } from '../pod/crash-backoff.ts'
import { StartFailure } from '../pod/start-failure.ts'
import { credentialsFor } from './pull-secrets.ts'

export interface ImagePullerOptions {
  readonly runtime: ContainerRuntime
  readonly client: Client
  readonly clock: Clock
  readonly events: EventRecorder
  readonly backoff: KubeletConfig['backoff']
}

/** An image reference as container runtimes read it: registry, path, tag, digest. */
const REFERENCE =
  /^(?:(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?)(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?(?:@[a-z0-9]+:[a-f0-9]{32,})?$/

/** Sees to it that a container's image is on the machine, by its pull policy, telling the user what happens. */
export class ImagePuller {
  readonly #options: ImagePullerOptions
  readonly #backoff: CrashBackoff
  readonly #pulls = new Map<string, Promise<Image>>()
  readonly #lastFailure = new Map<string, { readonly atMs: number; readonly message: string }>()

  constructor(options: ImagePullerOptions) {
    this.#options = options
    this.#backoff = new CrashBackoff(options.backoff)
  }

  /** Throws `StartFailure` with upstream's reason. */
  async ensure(pod: Pod, container: Container): Promise<Image> {
    const { runtime } = this.#options
    const reference = container.image ?? ''
    if (!REFERENCE.test(reference)) {
      const message = `Failed to apply default image tag "${reference}": couldn't parse image name "${reference}": invalid reference format`
      this.#warn(pod, 'InspectFailed', message)
      throw new StartFailure('InvalidImageName', message)
    }
    const policy = container.imagePullPolicy ?? defaultPolicyOf(reference)
    const present = await runtime.findImage(reference)
    if (present && policy !== 'Always') {
      this.#tell(pod, 'Pulled', `Container image "${reference}" already present on machine`)
      return present
    }
    if (policy === 'Never') {
      const message = `Container image "${reference}" is not present with pull policy of Never`
      this.#warn(pod, 'ErrImageNeverPull', message)
      throw new StartFailure('ErrImageNeverPull', message)
    }
    return this.#pull(pod, reference)
  }

  async #pull(pod: Pod, reference: string): Promise<Image> {
    const { clock, runtime } = this.#options
    const key = `${pod.metadata.uid} ${reference}`
    this.#checkBackoff(pod, reference, key)
    this.#tell(pod, 'Pulling', `Pulling image "${reference}"`)
    const startedMs = clock.monotonicMs()
    try {
      const credentials = await this.#credentials(pod, reference)
      const image = await this.#shared(reference, () => runtime.pullImage(reference, credentials))
      const tookText = durationText(Math.round(clock.monotonicMs() - startedMs))
      const took = `${tookText} (${tookText} including waiting)`
      this.#tell(
        pod,
        'Pulled',
        `Successfully pulled image "${reference}" in ${took}. Image size: ${image.sizeBytes} bytes.`,
      )
      this.#backoff.forget(key)
      this.#lastFailure.delete(key)
      return image
    } catch (error) {
      const message = pullErrorText(error)
      const nowMs = clock.monotonicMs()
      this.#backoff.next(key, { failedAtMs: nowMs, nowMs })
      this.#lastFailure.set(key, { atMs: nowMs, message })
      this.#warn(pod, 'Failed', `Failed to pull image "${reference}": ${message}`)
      this.#warn(pod, 'Failed', 'Error: ErrImagePull')
      throw new StartFailure('ErrImagePull', message, { retryAfterMs: 0, cause: error })
    }
  }

  #checkBackoff(pod: Pod, reference: string, key: string): void {
    const failure = this.#lastFailure.get(key)
    if (!failure) return
    const nowMs = this.#options.clock.monotonicMs()
    const remainingMs = this.#backoff.remainingMs(key, { failedAtMs: failure.atMs, nowMs })
    if (remainingMs <= 0) return
    this.#tell(pod, 'BackOff', `Back-off pulling image "${reference}"`)
    this.#warn(pod, 'Failed', 'Error: ImagePullBackOff')
    const message = `Back-off pulling image "${reference}": ErrImagePull: ${failure.message}`
    throw new StartFailure('ImagePullBackOff', message, { retryAfterMs: remainingMs })
  }

  /** Containers that want the same image at the same time wait for one pull. */
  #shared(reference: string, pull: () => Promise<Image>): Promise<Image> {
    const running = this.#pulls.get(reference)
    if (running) return running
    const started = pull().finally(() => this.#pulls.delete(reference))
    this.#pulls.set(reference, started)
    return started
  }

  async #credentials(pod: Pod, reference: string): Promise<RegistryCredentials | undefined> {
    for (const { name } of pod.spec.imagePullSecrets ?? []) {
      const secret = await this.#options.client.find(Secret, { namespace: pod.metadata.namespace, name: name ?? '' })
      const credentials = secret && credentialsFor(reference, secret)
      if (credentials) return credentials
    }
    return undefined
  }

  #tell(pod: Pod, reason: string, message: string): void {
    this.#options.events.record(pod, { type: 'Normal', reason, message })
  }

  #warn(pod: Pod, reason: string, message: string): void {
    this.#options.events.record(pod, { type: 'Warning', reason, message })
  }
}

const defaultPolicyOf = (reference: string): 'Always' | 'IfNotPresent' =>
  reference.endsWith(':latest') || !/[:@][^/]*$/.test(reference) ? 'Always' : 'IfNotPresent'

/** As upstream's kubelet shows it: gRPC's own words stay where the runtime has named a code. */
function pullErrorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return isRuntimeError(error, 'notFound') ? `rpc error: code = NotFound desc = ${text}` : text
}
