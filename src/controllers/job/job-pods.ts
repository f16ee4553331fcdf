import type { Job } from '../../api/batch-v1/types.ts'
import { type Container, Pod } from '../../api/core-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import type { Dependencies } from '../../client/controller.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { keyOf, type ObjectKey } from '../../machinery/object.ts'
import { suffixFrom } from '../../machinery/random.ts'
import { isStatusError } from '../../machinery/status.ts'
import { attemptAll, messageOf } from '../attempt-all.ts'
import { isNamespaceGoing } from '../create-in-namespace.ts'
import type { Expectations } from '../expectations.ts'
import { podFromTemplate } from '../pod-from-template.ts'
import { slowStart } from '../slow-start.ts'
import { INDEX_ANNOTATION } from './indexes.ts'
import { isTracked, TRACKING } from './tally.ts'

/** Pods made in one pass at most. */
const BURST_MAX = 500

interface JobPodsDependencies extends Pick<Dependencies, 'client' | 'events' | 'random'> {
  readonly expectations: Expectations
  readonly job: Job
}

/** Makes, deletes and lets go the Pods of one Job. */
export class JobPods {
  readonly #dependencies: JobPodsDependencies
  readonly #key: ObjectKey

  constructor(dependencies: JobPodsDependencies) {
    this.#dependencies = dependencies
    this.#key = keyOf(dependencies.job)
  }

  /** One Pod for each index, or `count` without any. */
  async create(count: number, indexes: readonly number[]): Promise<void> {
    const rest = [...indexes]
    const { error } = await slowStart(Math.min(count, BURST_MAX), () => this.#createOne(rest.shift()))
    if (error !== undefined && !isNamespaceGoing(error)) throw error
  }

  async #createOne(index: number | undefined): Promise<void> {
    const { job, events, expectations } = this.#dependencies
    try {
      const { metadata } = await expectations.create(this.#key, Pod, this.#newPod(index))
      events.record(job, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${metadata.name}` })
    } catch (error) {
      if (!isNamespaceGoing(error)) {
        events.record(job, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${messageOf(error)}` })
      }
      throw error
    }
  }

  #newPod(index: number | undefined): Unsaved<Pod> {
    const { job, random } = this.#dependencies
    const pod = podFromTemplate(job, { template: job.spec.template, random })
    const finalizers = [...(pod.metadata.finalizers ?? []), TRACKING]
    if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } }
    const hostname = `${job.metadata.name}-${index}`
    const withIndex = (container: Container): Container => ({
      ...container,
      env: [...(container.env ?? []), INDEX_VARIABLE],
    })
    const { initContainers } = pod.spec
    return {
      metadata: {
        ...pod.metadata,
        finalizers,
        generateName: `${hostname}-`,
        name: `${hostname}-${suffixFrom(random)}`,
        labels: { ...pod.metadata.labels, [INDEX_ANNOTATION]: String(index) },
        annotations: { ...pod.metadata.annotations, [INDEX_ANNOTATION]: String(index) },
      },
      spec: {
        ...pod.spec,
        hostname: pod.spec.hostname ?? hostname,
        containers: pod.spec.containers.map(withIndex),
        ...(initContainers && { initContainers: initContainers.map(withIndex) }),
      },
    }
  }

  async delete(pods: readonly Pod[]): Promise<void> {
    const { job, events, expectations } = this.#dependencies
    await attemptAll(
      pods.map(pod => async () => {
        await expectations.delete(this.#key, Pod, pod)
        const message = `Deleted pod: ${pod.metadata.name}`
        events.record(job, { type: 'Normal', reason: 'SuccessfulDelete', message })
      }),
    )
  }

  async release(pods: readonly Pod[]): Promise<void> {
    await releasePods(pods, { ...this.#dependencies, key: this.#key })
  }
}

const INDEX_VARIABLE = {
  name: 'JOB_COMPLETION_INDEX',
  valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${INDEX_ANNOTATION}']` } },
}

/** Takes the finalizer off: the Pods have been counted, or their Job is gone. */
export async function releasePods(
  pods: readonly Pod[],
  { client, expectations, key }: Pick<JobPodsDependencies, 'client' | 'expectations'> & { readonly key: ObjectKey },
): Promise<void> {
  await attemptAll(
    pods.filter(isTracked).map(pod => async () => {
      const { uid, resourceVersion } = pod.metadata
      const finalizers = pod.metadata.finalizers!.filter(finalizer => finalizer !== TRACKING)
      const body = { metadata: { uid, resourceVersion, finalizers } } as JsonObject
      try {
        expectations.wrote(key, Pod, await client.patch(Pod, keyOf(pod), { type: 'merge', body }))
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error
      }
    }),
  )
}
