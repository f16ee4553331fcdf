import type { Node, Pod } from '../api/core-v1/types.ts'
import type { Timer } from '../machinery/clock.ts'
import { timeText } from '../machinery/time.ts'
import { type Rejection, rejectionOf } from './admission.ts'
import type { ContainerRecord, PodIdentity, RuntimeEvent } from './doors.ts'
import type { Pressure } from './node/node-status.ts'
import type { PodRecord } from './pod/pod-api.ts'
import { type PodContext, podOfLogDirectory } from './pod/pod-context.ts'
import { isAlive } from './pod/pod-view.ts'
import { PodWorker } from './pod/pod-worker.ts'
import { isFromFile } from './static-pods/manifests.ts'

export interface PodManagerOptions {
  readonly context: PodContext
  readonly node: () => Node | undefined
  readonly allocatable: Readonly<Record<string, string>>
  readonly pressure: () => Pressure
  readonly isShuttingDown: () => boolean
  /** Aborted when the kubelet stops: nothing is begun after that, and nothing that runs is touched. */
  readonly signal: AbortSignal
}

/** Long enough for whoever made something to know that it is there. */
const STRAY_MS = 2000
const GRACE_SECONDS = 30

/**
 * The Pods of one machine, each with its worker. A Pod whose name an older one still holds waits until that is gone from
 * the machine: of one name never two run.
 */
export class PodManager {
  readonly #options: PodManagerOptions
  readonly #workers = new Map<string, PodWorker>()
  /** Pods that wait for their name, by uid; before `open`, all of them. */
  readonly #waiting = new Map<string, Pod>()
  /** Of Pods that the machine runs by itself, by uid. */
  readonly #ownRecords = new Map<string, PodRecord>()
  #isOpen = false
  #strayTimer: Timer | undefined

  constructor(options: PodManagerOptions) {
    this.#options = options
  }

  get workers(): readonly PodWorker[] {
    return [...this.#workers.values()]
  }

  workerOf({ namespace, name }: { readonly namespace: string; readonly name: string }): PodWorker | undefined {
    const named = this.workers.filter(({ pod }) => pod.metadata.namespace === namespace && pod.metadata.name === name)
    return named.find(worker => !worker.isTerminating) ?? named[0]
  }

  /** A new Pod, or a new version of one. */
  update(pod: Pod): void {
    const { uid } = pod.metadata
    const worker = this.#workers.get(uid)
    if (worker) worker.update(pod)
    else if (!this.#isOpen || this.workerOf(pod.metadata)) this.#waiting.set(uid, pod)
    else this.#begin(pod)
  }

  /** Runs a Pod of the machine itself, without waiting for what the API has. */
  runStatic(record: PodRecord): void {
    const { pod } = record
    this.#ownRecords.set(pod.metadata.uid, record)
    if (this.workerOf(pod.metadata)) this.#waiting.set(pod.metadata.uid, pod)
    else this.#begin(pod)
  }

  /** Ends what runs of static Pods that have no file any more: without the API nobody else would know. */
  async endOldStaticPods(wanted: ReadonlySet<string>): Promise<void> {
    const sandboxes = await this.#options.context.doors.runtime.listSandboxes()
    for (const { pod, annotations } of sandboxes) {
      if (!isFromFile(annotations) || wanted.has(pod.uid) || this.#workers.has(pod.uid)) continue
      this.#endOrphan(pod, GRACE_SECONDS)
    }
  }

  markGone(last: Pod): void {
    this.#waiting.delete(last.metadata.uid)
    this.#workers.get(last.metadata.uid)?.markGone(last)
  }

  wakeAll(): void {
    for (const worker of this.#workers.values()) worker.wake()
  }

  /** Makes the worker look whose container or sandbox has changed. */
  wakeOwner(event: Extract<RuntimeEvent, { kind: 'changed' }>): void {
    const worker = this.#ownerOf(event)
    if (worker) worker.wake()
    else this.#lookForStrays(event)
  }

  #ownerOf({ id, podUid }: Extract<RuntimeEvent, { kind: 'changed' }>): PodWorker | undefined {
    return podUid === undefined ? this.workers.find(candidate => candidate.owns(id)) : this.#workers.get(podUid)
  }

  /** What nobody owns after a moment was begun by a kubelet that ended meanwhile, for a Pod that is no more. */
  #lookForStrays(event: Extract<RuntimeEvent, { kind: 'changed' }>): void {
    const { context, signal } = this.#options
    if (this.#strayTimer || !this.#isOpen) return
    this.#strayTimer = context.clock.schedule(STRAY_MS, () => {
      this.#strayTimer = undefined
      if (signal.aborted || this.#ownerOf(event)) return
      void this.#endOrphans().catch(error => {
        context.logger.warn({ error }, 'could not look for what runs of unknown pods')
        this.#lookForStrays(event)
      })
    })
  }

  /**
   * Begins with the Pods that were told of so far, after finding what runs of Pods that the API has no more: that is ended
   * first, and no new Pod takes the name of one before. What others have left on the disk is removed.
   */
  async open(): Promise<void> {
    await this.#endOrphans()
    this.#isOpen = true
    this.#beginWaiting()
  }

  async #endOrphans(): Promise<void> {
    const found = await this.#findOnMachine()
    for (const [uid, { identity, graceSeconds }] of found) {
      if (this.#waiting.has(uid) || this.#workers.has(uid)) continue
      this.#endOrphan(identity, graceSeconds)
    }
  }

  #endOrphan(identity: PodIdentity, graceSeconds: number): void {
    const pod = orphanOf(identity, graceSeconds, this.#options.context.clock.now())
    this.#work(pod).markGone(pod)
  }

  async #findOnMachine(): Promise<ReadonlyMap<string, Found>> {
    const { context } = this.#options
    const { runtime, cgroups, disk } = context.doors
    const [sandboxes, containers, onDisk, withCgroup, withLogs] = await Promise.all([
      runtime.listSandboxes(),
      runtime.listContainers(),
      context.volumes.listPods(),
      cgroups.list(),
      disk.listDirectory(context.config.podLogsDirectory),
    ])
    const found = new Map<string, Found>()
    for (const uid of [...onDisk, ...withCgroup]) {
      found.set(uid, { identity: { namespace: '', name: uid, uid }, graceSeconds: 0 })
    }
    for (const identity of withLogs.flatMap(name => podOfLogDirectory(name) ?? []))
      found.set(identity.uid, { identity, graceSeconds: 0 })
    for (const { pod: identity } of sandboxes) found.set(identity.uid, { identity, graceSeconds: 0 })
    for (const { pod: identity, annotations } of containers) {
      const graceSeconds = Number(annotations['io.kubernetes.pod.terminationGracePeriod'] ?? 30)
      found.set(identity.uid, { identity, graceSeconds })
    }
    return found
  }

  imagesInUse(): ReadonlySet<string> {
    return new Set(this.workers.flatMap(({ view }) => view.containers.map(({ imageId }) => imageId)))
  }

  runningRecords(): readonly ContainerRecord[] {
    return this.workers.flatMap(({ view }) => view.containers.filter(isAlive))
  }

  async stop(): Promise<void> {
    this.#strayTimer?.cancel()
    await Promise.all(this.workers.map(worker => worker.stop()))
  }

  #begin(pod: Pod): void {
    const rejection = isNew(pod) ? this.#rejectionOf(pod) : undefined
    const worker = this.#work(pod)
    if (rejection) {
      const { reason, message } = rejection
      this.#options.context.events.record(pod, { type: 'Warning', reason, message })
      worker.terminate({ reason, message: `Pod was rejected: ${message}`, isFailed: true })
    } else worker.wake()
  }

  #rejectionOf(pod: Pod): Rejection | undefined {
    return rejectionOf({
      pod,
      others: this.workers.filter(worker => !worker.isTerminating).map(worker => worker.pod),
      allocatable: this.#options.allocatable,
      node: this.#options.node(),
      pressure: this.#options.pressure(),
      isShuttingDown: this.#options.isShuttingDown(),
    })
  }

  #work(pod: Pod): PodWorker {
    const { context, signal } = this.#options
    const { uid } = pod.metadata
    const record = this.#ownRecords.get(uid)
    const onGone = (): void => this.#forget(uid)
    const worker = new PodWorker(pod, { context, signal, onGone, ...(record && { record }) })
    this.#workers.set(uid, worker)
    return worker
  }

  #forget(uid: string): void {
    this.#workers.delete(uid)
    this.#ownRecords.delete(uid)
    this.#beginWaiting()
  }

  /** Those that were here before come first: they hold what they were given. */
  #beginWaiting(): void {
    const waiting = [...this.#waiting.values()].sort(
      (a, b) =>
        Number(isNew(a)) - Number(isNew(b)) || a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp),
    )
    for (const pod of waiting) {
      const mayBegin = this.#isOpen || this.#ownRecords.has(pod.metadata.uid)
      if (!mayBegin || this.workerOf(pod.metadata)) continue
      this.#waiting.delete(pod.metadata.uid)
      this.#begin(pod)
    }
  }
}

interface Found {
  readonly identity: PodIdentity
  readonly graceSeconds: number
}

/** Pods that were here before keep their place, whatever the machine looks like now. */
const isNew = ({ status }: Pod): boolean => status.startTime === undefined

/** What is known of a Pod when only its containers are left. */
const orphanOf = ({ namespace, name, uid }: PodIdentity, graceSeconds: number, now: Date): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, uid, resourceVersion: '0', creationTimestamp: timeText(now) },
  spec: { containers: [], terminationGracePeriodSeconds: graceSeconds },
  status: {},
})
