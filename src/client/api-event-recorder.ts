import { Event } from '../api/core-v1/types.ts'
import type { KubernetesObject } from '../api/kind.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import { integerBelow, type Random } from '../machinery/random.ts'
import { isStatusError } from '../machinery/status.ts'
import { timeText } from '../machinery/time.ts'
import type { Client } from './client.ts'
import type { EventNote, EventRecorder } from './event-recorder.ts'

/** Events that may wait to be written; beyond it new ones are dropped. */
const PENDING_EVENTS_MAX = 10_000
/** Different messages of one reason about one object within the window that are still written one by one. */
const SIMILAR_EVENTS_MAX = 10
const SIMILAR_WINDOW_MS = 600_000
/** Events one source may write about one object at once, and how fast that allowance comes back. */
const BURST_EVENTS_MAX = 25
const REFILL_MS_PER_EVENT = 300_000
/** Objects whose history is kept for folding. */
const REMEMBERED_MAX = 4096

/** Begins the message of the one event that stands for many similar ones; it carries the last of them. */
const COMBINED = '(combined from similar events): '

interface Written {
  readonly name: string
  readonly namespace: string
  count: number
}

interface Similar {
  readonly messages: Set<string>
  lastMs: number
}

interface Allowance {
  left: number
  atMs: number
}

export interface EventSource {
  /** `source.component` and `reportingComponent`. */
  readonly component: string
  /** The machine, for kubelets. */
  readonly host?: string
}

interface RecorderDependencies {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/**
 * Writes core/v1 Events in the background, folded as client-go does: a repeated one raises its count, many similar ones
 * become one `(combined from similar events)`, and one object that makes too many gets fewer.
 */
export class ApiEventRecorder implements EventRecorder {
  readonly #source: EventSource
  readonly #dependencies: RecorderDependencies
  readonly #pending: { about: KubernetesObject; note: EventNote; at: Date }[] = []
  readonly #written = new Map<string, Written>()
  readonly #similar = new Map<string, Similar>()
  readonly #allowances = new Map<string, Allowance>()
  #isWriting = false
  #lastNanoseconds = 0n
  /** Events that were not written: too many, or refused by the server. */
  dropped = 0

  constructor(source: EventSource, dependencies: RecorderDependencies) {
    this.#source = source
    this.#dependencies = dependencies
  }

  record(about: KubernetesObject, note: EventNote): void {
    if (this.#pending.length >= PENDING_EVENTS_MAX || !this.#isAllowed(about.metadata.uid)) {
      this.dropped++
      return
    }
    this.#pending.push({ about, note: this.#combined(about, note), at: this.#dependencies.clock.now() })
    if (!this.#isWriting) void this.#writePending()
  }

  async #writePending(): Promise<void> {
    this.#isWriting = true
    for (let next = this.#pending.shift(); next; next = this.#pending.shift()) {
      try {
        await this.#write(next.about, next.note, next.at)
      } catch (error) {
        this.dropped++
        this.#dependencies.logger.debug({ err: error, reason: next.note.reason }, 'event not written')
      }
    }
    this.#isWriting = false
  }

  async #write(about: KubernetesObject, note: EventNote, at: Date): Promise<void> {
    const isCombined = note.message.startsWith(COMBINED)
    const key = [about.metadata.uid, note.type, note.reason, isCombined ? COMBINED : note.message].join('|')
    const written = this.#written.get(key)
    if (
      written &&
      (await this.#raiseCount(written, { at: timeText(at), ...(isCombined && { message: note.message }) }))
    )
      return
    const created = await this.#create(about, note, at)
    remember(this.#written, key, { name: created.metadata.name, namespace: created.metadata.namespace, count: 1 })
  }

  /** False when the Event is gone by now, so that a new one is needed. */
  async #raiseCount(written: Written, { at, message }: { at: string; message?: string }): Promise<boolean> {
    const { name, namespace } = written
    try {
      const body = { count: written.count + 1, lastTimestamp: at, ...(message && { message }) }
      await this.#dependencies.client.patch(Event, { name, namespace }, { type: 'merge', body })
      written.count++
      return true
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return false
      throw error
    }
  }

  #create(about: KubernetesObject, { type, reason, message }: EventNote, at: Date): Promise<Event> {
    const { component, host } = this.#source
    const { apiVersion, kind, metadata } = about
    const namespace = metadata.namespace ?? 'default'
    const time = timeText(at)
    return this.#dependencies.client.create(Event, {
      metadata: { name: `${metadata.name.slice(0, 230)}.${this.#suffix(at)}`, namespace },
      involvedObject: {
        apiVersion,
        kind,
        name: metadata.name,
        ...(metadata.namespace && { namespace: metadata.namespace }),
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      type,
      reason,
      message: message.slice(0, 1024),
      source: { component, ...(host && { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    })
  }

  /** Nanoseconds of time in hex, as upstream: so the order of names is that of events also within one second. */
  #suffix(at: Date): string {
    const earliest = BigInt(at.getTime()) * 1_000_000n
    const isLater = earliest > this.#lastNanoseconds
    // Others who write about the same object in this millisecond are unlikely to choose the same.
    const within = BigInt(integerBelow(this.#dependencies.random, 1_000_000))
    this.#lastNanoseconds = isLater ? earliest + within : this.#lastNanoseconds + 1n
    return this.#lastNanoseconds.toString(16).padStart(16, '0')
  }

  #combined(about: KubernetesObject, note: EventNote): EventNote {
    const nowMs = this.#dependencies.clock.monotonicMs()
    const key = [about.metadata.uid, note.type, note.reason].join('|')
    let similar = this.#similar.get(key)
    if (!similar || nowMs - similar.lastMs > SIMILAR_WINDOW_MS) similar = { messages: new Set(), lastMs: nowMs }
    remember(this.#similar, key, similar)
    similar.lastMs = nowMs
    if (similar.messages.has(note.message)) return note
    if (similar.messages.size < SIMILAR_EVENTS_MAX) {
      similar.messages.add(note.message)
      return note
    }
    return { ...note, message: `${COMBINED}${note.message}` }
  }

  #isAllowed(uid: string): boolean {
    const nowMs = this.#dependencies.clock.monotonicMs()
    const known = this.#allowances.get(uid) ?? { left: BURST_EVENTS_MAX, atMs: nowMs }
    const refilled = Math.min(BURST_EVENTS_MAX, known.left + (nowMs - known.atMs) / REFILL_MS_PER_EVENT)
    const isAllowed = refilled >= 1
    remember(this.#allowances, uid, { left: isAllowed ? refilled - 1 : refilled, atMs: nowMs })
    return isAllowed
  }
}

/** Puts a key last, and forgets the one that was not touched for longest. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > REMEMBERED_MAX) map.delete(map.keys().next().value!)
}
