import { deepEqual } from 'fast-equals'
import { Namespace, Node, Pod } from '../api/core-v1/types.ts'
import { CSINode } from '../api/storage-v1/types.ts'
import type { InformerEvent, InformerFactory } from '../client/informer.ts'
import { hasPodEnded } from '../machinery/pod-state.ts'
import type { ClusterEvent } from './cluster-event.ts'
import type { ClusterState } from './cluster-state.ts'
import { isSameToScheduling, podInfoOf } from './pod-info.ts'
import type { SchedulingQueue } from './queue.ts'
import type { VolumeLookup } from './volume-lookup.ts'

export interface ClusterWatchOptions {
  readonly informers: InformerFactory
  readonly state: ClusterState
  readonly queue: SchedulingQueue
  readonly lookup: VolumeLookup
  /** Pods that name another scheduler are not ours to place. */
  readonly schedulerName: string
  readonly onFailure: (error: unknown, pod: Pod) => void
}

/** Keeps state and queue as the API tells, and turns what may help somebody into events for the queue. */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions

  constructor(options: ClusterWatchOptions) {
    this.#options = options
  }

  /** Call when all informers are synced: machines first, so that Pods find them. */
  start(): Disposable {
    const { informers, lookup } = this.#options
    const stack = new DisposableStack()
    const wake = (event: ClusterEvent): void => this.#options.queue.wake(event)
    stack.use(informers.informer(Node).subscribe(event => this.#nodeEvent(event)))
    stack.use(informers.informer(Pod).subscribe(event => this.#podEvent(event)))
    stack.use(lookup.claims.subscribe(({ object }) => wake({ kind: 'claimChanged', claim: object })))
    stack.use(lookup.volumes.subscribe(({ object }) => wake({ kind: 'volumeChanged', volume: object })))
    stack.use(lookup.classes.subscribe(({ object }) => wake({ kind: 'storageClassChanged', storageClass: object })))
    stack.use(informers.informer(CSINode).subscribe(({ object }) => wake({ kind: 'csiNodeChanged', csiNode: object })))
    stack.use(informers.informer(Namespace).subscribe(event => this.#namespaceEvent(event)))
    return stack
  }

  #nodeEvent(event: InformerEvent<Node>): void {
    const { state, queue } = this.#options
    const { name } = event.object.metadata
    if (event.type === 'deleted') {
      const node = state.findNode(name)
      state.removeNode(name)
      if (node) queue.wake({ kind: 'nodeRemoved', node })
      return
    }
    const node = state.setNode(event.object)
    if (event.type === 'added') queue.wake({ kind: 'nodeChanged', node })
    else if (isNodeNews(event.object, event.previous))
      queue.wake({ kind: 'nodeChanged', node, previous: event.previous })
  }

  #podEvent(event: InformerEvent<Pod>): void {
    const pod = event.object
    try {
      if (event.type === 'deleted' || hasPodEnded(pod)) this.#gone(pod)
      else if (pod.spec.nodeName) this.#placed(pod, pod.spec.nodeName)
      else this.#waiting(pod)
    } catch (error) {
      this.#options.onFailure(error, pod) // It cannot be read, for example a selector that is none. Others go on.
    }
  }

  #gone({ metadata: { uid } }: Pod): void {
    const { state, queue } = this.#options
    queue.remove(uid)
    const placed = state.remove(uid)
    if (placed) queue.wake({ kind: 'podRemoved', pod: placed.info, node: placed.node })
  }

  #placed(pod: Pod, nodeName: string): void {
    const { state, queue } = this.#options
    const { uid } = pod.metadata
    queue.remove(uid)
    const known = state.findPod(uid)
    const isKnownThere = known?.node.name === nodeName
    // What changed by the binding itself is the machine's name alone.
    const asKnown = known && { ...known.info.pod, spec: { ...known.info.pod.spec, nodeName } }
    if (isKnownThere && isSameToScheduling(asKnown!, pod)) {
      state.confirm(uid)
      if (known!.isAssumed) queue.wake({ kind: 'podPlaced', pod: known!.info, node: known!.node })
      return
    }
    const info = podInfoOf(pod)
    const node = state.place(info, nodeName, { isAssumed: false })
    if (known && !isKnownThere) queue.wake({ kind: 'podRemoved', pod: known.info, node: known.node })
    if (isKnownThere && !known.isAssumed) queue.wake({ kind: 'podChanged', pod: info, node, previous: known.info })
    else queue.wake({ kind: 'podPlaced', pod: info, node })
  }

  #waiting(pod: Pod): void {
    const { state, queue, schedulerName } = this.#options
    if ((pod.spec.schedulerName ?? 'default-scheduler') !== schedulerName) return
    if (pod.metadata.deletionTimestamp) queue.remove(pod.metadata.uid)
    else if (!state.findPod(pod.metadata.uid)) queue.put(podInfoOf(pod)) // An assumed one is on its way: old news.
  }

  #namespaceEvent(event: InformerEvent<Namespace>): void {
    if (event.type === 'updated' && deepEqual(event.object.metadata.labels, event.previous.metadata.labels)) return
    const { state, queue } = this.#options
    state.counts.forgetNamespaceLabels()
    queue.wake({ kind: 'namespaceChanged', namespace: event.object.metadata.name })
  }
}

/** Heartbeats and images help nobody. */
const isNodeNews = (node: Node, previous: Node): boolean =>
  !deepEqual(node.status?.allocatable, previous.status?.allocatable) ||
  !deepEqual(node.metadata.labels, previous.metadata.labels) ||
  !deepEqual(node.spec, previous.spec)
