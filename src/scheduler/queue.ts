import type { Clock, Timer } from '../machinery/clock.ts'
import type { ClusterEvent } from './cluster-event.ts'
import { Heap } from './heap.ts'
import type { Plugin } from './plugin.ts'
import { isSameToScheduling, type PodInfo } from './pod-info.ts'

/** The pause after a first failed attempt; it doubles with every further one. */
const BACKOFF_MS_MIN = 1000
const BACKOFF_MS_MAX = 10_000

export type QueuedState = 'active' | 'backoff' | 'unschedulable' | 'gated' | 'inFlight'

/** A Pod that waits for a machine. */
export interface QueuedPod {
  readonly uid: string
  info: PodInfo
  state: QueuedState
  /** Tries so far, the one under way included. */
  attempts: number
  /** When it last began to wait for its turn: of equal priority, who waits longer comes first. */
  waitsSinceMs: number
  /** Not before: earned by failed attempts. */
  backoffUntilMs: number
  /** Those whose events can help it. */
  refusedBy: ReadonlySet<string>
  /** Set by who waits on the Pod's behalf; aborted when it is gone, or on a machine. */
  gone: AbortController | undefined
}

/** A heap's entry. It counts only while the Pod is still in the state, and in the turn, for which it was made. */
interface Turn {
  readonly pod: QueuedPod
  readonly state: QueuedState
  readonly priority: number
  readonly atMs: number
  readonly number: number
}

/**
 * Pods that want a machine. Active ones come out by priority, then by time. Those that fit nowhere lie still, at no
 * cost, until an event that one of the plugins that refused them calls helpful; those that failed otherwise come back
 * after a growing pause.
 */
export class SchedulingQueue {
  readonly #clock: Clock
  readonly #plugins: readonly Plugin[]
  readonly #pods = new Map<string, QueuedPod>()
  readonly #turns = new Map<QueuedPod, Turn>()
  readonly #active = new Heap<Turn>((a, b) => b.priority < a.priority || (a.priority === b.priority && isEarlier(a, b)))
  readonly #backoff = new Heap<Turn>(isEarlier)
  readonly #refusedBy = new Map<string, Set<QueuedPod>>()
  #turnCount = 0
  #timer: Timer | undefined
  #waiter: (() => void) | undefined

  constructor({ clock, plugins }: { readonly clock: Clock; readonly plugins: readonly Plugin[] }) {
    this.#clock = clock
    this.#plugins = plugins
  }

  get size(): number {
    return this.#pods.size
  }

  /** Pods by what they wait for. */
  count(state: QueuedState): number {
    let count = 0
    for (const pod of this.#pods.values()) if (pod.state === state) count++
    return count
  }

  find(uid: string): QueuedPod | undefined {
    return this.#pods.get(uid)
  }

  /** A Pod without a machine is there, or has changed. A change of more than its status earns a new attempt. */
  put(info: PodInfo): void {
    const known = this.#pods.get(info.uid)
    if (!known) {
      const nowMs = this.#clock.monotonicMs()
      const pod: QueuedPod = {
        uid: info.uid,
        info,
        state: 'gated',
        attempts: 0,
        waitsSinceMs: nowMs,
        backoffUntilMs: 0,
        refusedBy: new Set(),
        gone: undefined,
      }
      this.#pods.set(info.uid, pod)
      this.#admit(pod)
      return
    }
    const isSame = isSameToScheduling(known.info.pod, info.pod)
    const isUrgencyNew = known.info.priority !== info.priority
    known.info = info
    if (known.state === 'gated' || (known.state === 'unschedulable' && !isSame)) this.#admit(known)
    else if (known.state === 'active' && isUrgencyNew) this.#enter(known, 'active')
  }

  remove(uid: string): void {
    const pod = this.#pods.get(uid)
    if (!pod) return
    this.#leave(pod)
    this.#pods.delete(uid)
    pod.gone?.abort(new Error('the Pod is gone'))
  }

  /** The next Pod to place, now in flight: answer with `refused`, `failed` or, once it is bound or gone, `remove`. */
  pop(): QueuedPod | undefined {
    for (let turn = this.#active.pop(); turn; turn = this.#active.pop()) {
      if (this.#turns.get(turn.pod) !== turn) continue
      this.#leave(turn.pod)
      turn.pod.state = 'inFlight'
      turn.pod.attempts++
      return turn.pod
    }
    return undefined
  }

  /** Resolves when `pop` may have something, or the signal is aborted. One waiter at a time. */
  async whenActive(signal: AbortSignal): Promise<void> {
    if (this.#active.size > 0 || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiter = resolve
    signal.addEventListener('abort', resolve as () => void, { once: true })
    await promise
    signal.removeEventListener('abort', resolve as () => void)
    this.#waiter = undefined
  }

  /** No machine fits: it lies still until something happens that can help. */
  refused(pod: QueuedPod, plugins: ReadonlySet<string>): void {
    if (this.#pods.get(pod.uid) !== pod) return
    this.#earnPause(pod)
    this.#leave(pod)
    pod.state = 'unschedulable'
    pod.refusedBy = plugins
    for (const name of plugins) {
      const refused = this.#refusedBy.get(name)
      if (refused) refused.add(pod)
      else this.#refusedBy.set(name, new Set([pod]))
    }
  }

  /** Something else went wrong: it is tried again after its pause. */
  failed(pod: QueuedPod): void {
    if (this.#pods.get(pod.uid) !== pod) return
    this.#earnPause(pod)
    this.#leave(pod)
    this.#enterAfterPause(pod)
  }

  /** Wakes the Pods that this can help. Costs nothing for those that no plugin interested in it has refused. */
  wake(event: ClusterEvent): void {
    if (this.#refusedBy.size === 0) return
    for (const { name, helpedBy } of this.#plugins) {
      const helps = helpedBy?.[event.kind] as ((pod: PodInfo, event: ClusterEvent) => boolean) | undefined // Of its kind.
      const refused = helps && this.#refusedBy.get(name)
      if (!refused) continue
      for (const pod of refused) {
        if (!helps(pod.info, event)) continue
        this.#leave(pod)
        this.#enterAfterPause(pod)
      }
    }
  }

  /** Cancels what is planned. The queue must not be used afterwards. */
  close(): void {
    this.#timer?.cancel()
    this.#waiter?.()
  }

  #admit(pod: QueuedPod): void {
    const refusing = this.#plugins.find(plugin => plugin.admits?.(pod.info) === false)
    this.#leave(pod)
    if (refusing) pod.state = 'gated'
    else this.#enterAfterPause(pod)
  }

  #earnPause(pod: QueuedPod): void {
    const pauseMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(pod.attempts - 1, 10))
    pod.backoffUntilMs = this.#clock.monotonicMs() + pauseMs
  }

  #enterAfterPause(pod: QueuedPod): void {
    const isPaused = pod.backoffUntilMs > this.#clock.monotonicMs()
    this.#enter(pod, isPaused ? 'backoff' : 'active')
  }

  #enter(pod: QueuedPod, state: 'active' | 'backoff'): void {
    this.#leave(pod)
    pod.state = state
    if (state === 'active') pod.waitsSinceMs = this.#clock.monotonicMs()
    const turn: Turn = {
      pod,
      state,
      priority: pod.info.priority,
      atMs: state === 'active' ? pod.waitsSinceMs : pod.backoffUntilMs,
      number: this.#turnCount++,
    }
    this.#turns.set(pod, turn)
    if (state === 'active') {
      this.#active.push(turn)
      this.#waiter?.()
    } else {
      this.#backoff.push(turn)
      this.#planReturn()
    }
  }

  #leave(pod: QueuedPod): void {
    this.#turns.delete(pod)
    for (const name of pod.refusedBy) {
      const refused = this.#refusedBy.get(name)
      refused?.delete(pod)
      if (refused?.size === 0) this.#refusedBy.delete(name)
    }
    pod.refusedBy = new Set()
  }

  #planReturn(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#dropStale(this.#backoff)
    const first = this.#backoff.peek()
    if (!first) return
    this.#timer = this.#clock.schedule(Math.max(0, first.atMs - this.#clock.monotonicMs()), () => this.#endPauses())
  }

  #endPauses(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    for (let turn = this.#backoff.peek(); turn && turn.atMs <= nowMs; turn = this.#backoff.peek()) {
      this.#backoff.pop()
      if (this.#turns.get(turn.pod) === turn) this.#enter(turn.pod, 'active')
    }
    this.#planReturn()
  }

  #dropStale(heap: Heap<Turn>): void {
    for (let turn = heap.peek(); turn && this.#turns.get(turn.pod) !== turn; turn = heap.peek()) heap.pop()
  }
}

const isEarlier = (a: Turn, b: Turn): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number)
