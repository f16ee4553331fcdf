import { Namespace, Node, Pod } from '../api/core-v1/types.ts'
import type { Dependencies } from '../client/controller.ts'
import type { Component } from '../machinery/component.ts'
import { InvariantError } from '../machinery/invariant.ts'
import { isStatusError } from '../machinery/status.ts'
import type { ClusterEvent } from './cluster-event.ts'
import { ClusterState } from './cluster-state.ts'
import { ClusterWatch } from './cluster-watch.ts'
import { refusalText, SchedulingCycle } from './cycle.ts'
import { defaultPlugins } from './default-plugins.ts'
import type { NodeInfo } from './node-info.ts'
import type { Hold, Plugin, Refusal } from './plugin.ts'
import { PodBinder } from './pod-binder.ts'
import { PodStatusWriter } from './pod-status-writer.ts'
import { type QueuedPod, SchedulingQueue } from './queue.ts'
import type { SchedulerMetrics } from './scheduler-metrics.ts'

/** Requests to the API under way at one time; beyond it no further Pod is taken until some have come back. */
const REQUESTS_MAX = 256
/** Decisions made without letting anything else run in between, and the time that they may take together. */
const BURST_DECISIONS_MAX = 64
const BURST_MS_MAX = 5

export interface SchedulerOptions {
  /** Pods whose `schedulerName` is this are placed. */
  readonly name?: string
  readonly metrics?: SchedulerMetrics
}

/** Places Pods on machines. Run one at a time for each scheduler name (leader election is the caller's). */
export function createScheduler(dependencies: Dependencies, options: SchedulerOptions = {}): Component {
  const { name = 'default-scheduler' } = options
  return { name, run: signal => new Scheduler(dependencies, { ...options, name }).run(signal) }
}

class Scheduler {
  readonly #dependencies: Dependencies
  readonly #metrics: SchedulerMetrics | undefined
  readonly #state: ClusterState
  readonly #plugins: readonly Plugin[]
  readonly #queue: SchedulingQueue
  readonly #cycle: SchedulingCycle
  readonly #watch: ClusterWatch
  readonly #status: PodStatusWriter
  readonly #binder: PodBinder
  readonly #startVolumes: () => Disposable
  readonly #inFlight = new Set<Promise<void>>()
  #requests = 0
  #roomWaiter: (() => void) | undefined

  constructor(dependencies: Dependencies, { name, metrics }: SchedulerOptions & { readonly name: string }) {
    const { informers, clock, random, logger, client } = dependencies
    this.#dependencies = dependencies
    this.#metrics = metrics
    const namespaces = informers.informer(Namespace)
    const labelsOfNamespace = (namespace: string) => namespaces.get({ name: namespace })?.metadata.labels
    this.#state = new ClusterState(labelsOfNamespace)
    const wake = (event: ClusterEvent): void => this.#queue.wake(event)
    const context = { client, clock, informers, state: this.#state, labelsOfNamespace, wake }
    const { plugins, volumeBinding, lookup } = defaultPlugins(context)
    this.#plugins = plugins
    this.#queue = new SchedulingQueue({ clock, plugins })
    this.#cycle = new SchedulingCycle({ state: this.#state, plugins, random })
    this.#status = new PodStatusWriter(dependencies)
    this.#binder = new PodBinder(dependencies)
    this.#startVolumes = () => volumeBinding.start()
    this.#watch = new ClusterWatch({
      informers,
      state: this.#state,
      queue: this.#queue,
      lookup,
      schedulerName: name,
      onFailure: (error, pod) =>
        logger.error({ err: error, pod: pod.metadata.name, namespace: pod.metadata.namespace }, 'pod cannot be read'),
    })
    for (const kind of [Node, Pod]) informers.informer<Node | Pod>(kind)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { informers, clock } = this.#dependencies
    await informers.whenSynced(signal).catch(() => {})
    if (signal.aborted) return
    using stack = new DisposableStack()
    stack.use(this.#startVolumes())
    stack.use(this.#watch.start())
    stack.defer(() => this.#queue.close())
    this.#metrics?.observeQueue(this.#queue)
    let [decisions, startedMs] = [0, clock.monotonicMs()]
    while (!signal.aborted) {
      const pod = this.#queue.pop()
      if (!pod) {
        await this.#queue.whenActive(signal)
        ;[decisions, startedMs] = [0, clock.monotonicMs()]
        continue
      }
      this.#place(pod, signal)
      if (this.#requests >= REQUESTS_MAX) await this.#whenRoom()
      if (++decisions >= BURST_DECISIONS_MAX || clock.monotonicMs() - startedMs >= BURST_MS_MAX) {
        await clock.sleep(0, signal).catch(() => {})
        ;[decisions, startedMs] = [0, clock.monotonicMs()]
      }
    }
    await Promise.all(this.#inFlight)
  }

  /** Decides and promises at once; all that needs the API goes on in the background. */
  #place(pod: QueuedPod, signal: AbortSignal): void {
    const finish = this.#metrics?.startAttempt()
    const decision = this.#cycle.decide(pod.info)
    if (decision.kind === 'refused') {
      finish?.('unschedulable')
      this.#refuse(pod, decision.refusal)
      return
    }
    finish?.('scheduled')
    const { node } = decision
    const holds: Hold[] = []
    try {
      for (const plugin of this.#plugins) {
        const hold = plugin.reserve?.(pod.info, node)
        if (hold) holds.push(hold)
      }
    } catch (error) {
      for (const hold of holds) hold.release()
      this.#background(this.#fail(pod, error))
      return
    }
    this.#state.place(pod.info, node.name, { isAssumed: true })
    this.#background(this.#bind(pod, { node, holds, signal }))
  }

  #refuse(pod: QueuedPod, refusal: Refusal): void {
    const made = this.#plugins.map(plugin => plugin.makeRoom?.(pod.info, refusal)).find(text => text !== undefined)
    const message = made ? `${refusalText(refusal)} ${made}` : refusalText(refusal)
    this.#queue.refused(pod, refusal.plugins)
    for (const plugin of this.#plugins) {
      const note = plugin.explain?.(pod.info, refusal)
      if (note) this.#dependencies.events.record(pod.info.pod, note)
    }
    this.#background(this.#request(() => this.#status.unschedulable(pod.info.pod, message)))
  }

  async #bind(
    pod: QueuedPod,
    { node, holds, signal }: { readonly node: NodeInfo; readonly holds: readonly Hold[]; readonly signal: AbortSignal },
  ): Promise<void> {
    const { events } = this.#dependencies
    const { namespace, name } = pod.info.pod.metadata
    try {
      if (holds.length > 0) await this.#fulfil(pod, holds, signal)
      signal.throwIfAborted()
      if (this.#queue.find(pod.uid) !== pod) return // Deleted, or bound by another, meanwhile.
      if (!node.node) throw new Error(`node "${node.name}" is gone`)
      if (node.isTooSmallFor(pod.info)) throw new Error(`node "${node.name}" was filled by another scheduler meanwhile`)
      await this.#request(() => this.#binder.bind(pod.info.pod, node.name, signal))
      events.record(pod.info.pod, {
        type: 'Normal',
        reason: 'Scheduled',
        message: `Successfully assigned ${namespace}/${name} to ${node.name}`,
      })
      this.#queue.remove(pod.uid)
    } catch (error) {
      this.#takeBack(pod)
      if (!signal.aborted) await this.#fail(pod, error)
    } finally {
      for (const hold of holds) hold.release()
    }
  }

  async #fulfil(pod: QueuedPod, holds: readonly Hold[], signal: AbortSignal): Promise<void> {
    pod.gone = new AbortController()
    const whileWanted = AbortSignal.any([signal, pod.gone.signal])
    for (const hold of holds) await hold.fulfil?.(whileWanted)
  }

  /** Frees the machine again, unless the API has meanwhile shown the Pod to be on one. */
  #takeBack({ uid }: QueuedPod): void {
    if (!this.#state.findPod(uid)?.isAssumed) return
    const { info, node } = this.#state.remove(uid)!
    this.#queue.wake({ kind: 'podRemoved', pod: info, node })
  }

  async #fail(pod: QueuedPod, error: unknown): Promise<void> {
    if (error instanceof InvariantError) throw error
    this.#metrics?.countFailure()
    if (isStatusError(error, 'NotFound')) this.#queue.remove(pod.uid)
    else this.#queue.failed(pod)
    if (this.#queue.find(pod.uid) !== pod) return
    await this.#request(() => this.#status.failed(pod.info.pod, error))
  }

  async #request<T>(send: () => Promise<T>): Promise<T> {
    this.#requests++
    try {
      return await send()
    } finally {
      this.#requests--
      if (this.#requests < REQUESTS_MAX) this.#roomWaiter?.()
    }
  }

  async #whenRoom(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#roomWaiter = resolve
    await promise
    this.#roomWaiter = undefined
  }

  #background(work: Promise<void>): void {
    this.#inFlight.add(work)
    void work.finally(() => this.#inFlight.delete(work))
  }
}
