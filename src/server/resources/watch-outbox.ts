import type { Writable } from 'node:stream'
import type { Clock } from '../../machinery/clock.ts'
import type { EncodedWatchEvent } from '../../registry/resource.ts'

/** Bytes of events that go out in one frame. What is more waits with the resource, whose own bound ends a slow watch. */
export const FRAME_BYTES_MAX = 64 * 1024
/** A client that takes nothing for this long while there is something for it is cut off. */
export const STALLED_MS_MAX = 60_000
/**
 * Events that come closer together than this travel in one frame. From a Pod's readiness to its name in the DNS there are
 * two of them in a row.
 */
const FLUSH_INTERVAL_MS_MIN = 1
/** A frame costs the same whatever it holds, so some watchers get no more than this many a millisecond. */
const FLUSHES_PER_MS = 4
/** From here on that would be noticed, and up to the longest interval they get more. */
const FLUSH_INTERVAL_MS_FEW = 5
const FLUSHES_PER_MS_MAX = 20
const FLUSH_INTERVAL_MS_MAX = 50

/** Lets all watches write at the same moments: one timer for a thousand streams, one frame for a burst of events. */
export class WatchFlusher {
  readonly #clock: Clock
  #waiting = new Set<WatchOutbox>()
  #flushedAtMs = Number.NEGATIVE_INFINITY
  #intervalMs = FLUSH_INTERVAL_MS_MIN

  constructor(clock: Clock) {
    this.#clock = clock
  }

  request(outbox: WatchOutbox): void {
    this.#waiting.add(outbox)
    if (this.#waiting.size > 1) return
    const sinceMs = this.#clock.monotonicMs() - this.#flushedAtMs
    this.#clock.schedule(Math.max(0, this.#intervalMs - sinceMs), () => this.#flush())
  }

  #flush(): void {
    this.#flushedAtMs = this.#clock.monotonicMs()
    const outboxes = this.#waiting
    this.#waiting = new Set()
    this.#intervalMs = intervalMsFor(outboxes.size)
    for (const outbox of outboxes) outbox.flush()
  }
}

function intervalMsFor(watchers: number): number {
  const fewMs = Math.max(FLUSH_INTERVAL_MS_MIN, Math.min(watchers / FLUSHES_PER_MS, FLUSH_INTERVAL_MS_FEW))
  return Math.min(Math.max(fewMs, watchers / FLUSHES_PER_MS_MAX), FLUSH_INTERVAL_MS_MAX)
}

type LineOf = (event: EncodedWatchEvent) => Uint8Array

export interface OutboxOptions {
  readonly flusher: WatchFlusher
  readonly clock: Clock
  readonly lineOf: LineOf
  /** The next event if one waits: asked at the last moment, so that a frame holds all that came until then. */
  readonly take: () => EncodedWatchEvent | undefined
}

/** Events on their way to one client: at most one frame, and nothing at all while the client does not read. */
export class WatchOutbox {
  readonly #writable: Writable
  readonly #options: OutboxOptions
  #first: EncodedWatchEvent | undefined
  #isBlocked = false
  #onSent: (() => void) | undefined

  constructor(writable: Writable, options: OutboxOptions) {
    this.#writable = writable
    this.#options = options
    writable.on('drain', () => this.#unblock())
    writable.on('close', () => this.#unblock())
    writable.on('error', () => {}) // The connection broke; `close` follows.
  }

  /** Resolves once this event, and those that could be taken after it, are handed on, or the client is gone. */
  send(event: EncodedWatchEvent): Promise<void> {
    this.#first = event
    if (this.#isBlocked) return this.#sentOrStalled()
    this.#options.flusher.request(this)
    return this.#sent()
  }

  flush(): void {
    if (this.#isBlocked || !this.#first) return
    if (!this.#writable.destroyed) this.#isBlocked = !this.#writable.write(this.#frame(this.#first))
    this.#first = undefined
    this.#onSent?.()
  }

  #sent(): Promise<void> {
    return new Promise(resolve => {
      this.#onSent = resolve
    })
  }

  async #sentOrStalled(): Promise<void> {
    using _stalled = this.#options.clock.schedule(STALLED_MS_MAX, () => this.#writable.destroy())
    await this.#sent()
  }

  #frame(first: EncodedWatchEvent): Uint8Array {
    const { take, lineOf } = this.#options
    const events = [first]
    for (let bytes = first.encoded.json().length; bytes < FRAME_BYTES_MAX; ) {
      const event = take()
      if (!event) break
      events.push(event)
      bytes += event.encoded.json().length
    }
    return joined(events, lineOf)
  }

  #unblock(): void {
    this.#isBlocked = false
    this.flush()
  }
}

/** A thousand watchers of one kind get the same events at the same time: the frame of a run is kept for the next. */
const lastFrames = new WeakMap<EncodedWatchEvent, Frame>()

interface Frame {
  readonly events: readonly EncodedWatchEvent[]
  readonly lineOf: LineOf
  readonly bytes: Uint8Array
}

function joined(events: readonly EncodedWatchEvent[], lineOf: LineOf): Uint8Array {
  const first = events[0]!
  const known = lastFrames.get(first)
  if (known?.lineOf === lineOf && isSame(known.events, events)) return known.bytes
  const bytes = events.length === 1 ? lineOf(first) : Buffer.concat(events.map(lineOf))
  lastFrames.set(first, { events, lineOf, bytes })
  return bytes
}

function isSame(a: readonly EncodedWatchEvent[], b: readonly EncodedWatchEvent[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
