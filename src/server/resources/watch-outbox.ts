import type { Writable } from 'node:stream'
import type { Clock } from '../../machinery/clock.ts'

/** Bytes of events that wait for one client. A full outbox stops the reading of further events, never a writer. */
export const OUTBOX_BYTES_MAX = 64 * 1024
/** A client that takes nothing for this long while its outbox is full is cut off. */
export const STALLED_MS_MAX = 60_000
/** Events that come closer together than this travel in one frame. */
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

/** Lines on their way to one client. */
export class WatchOutbox {
  readonly #writable: Writable
  readonly #flusher: WatchFlusher
  readonly #clock: Clock
  #lines: Uint8Array[] = []
  #bytes = 0
  #isBlocked = false
  #onSpace?: () => void

  constructor(writable: Writable, { flusher, clock }: { flusher: WatchFlusher; clock: Clock }) {
    this.#writable = writable
    this.#flusher = flusher
    this.#clock = clock
    writable.on('drain', () => this.#unblock())
    writable.once('close', () => this.#unblock())
    writable.on('error', () => {}) // The connection broke; `close` follows.
  }

  get isFull(): boolean {
    return this.#bytes >= OUTBOX_BYTES_MAX
  }

  push(line: Uint8Array): void {
    this.#lines.push(line)
    this.#bytes += line.length
    if (!this.#isBlocked) this.#flusher.request(this)
  }

  flush(): void {
    if (this.#isBlocked || this.#lines.length === 0 || this.#writable.destroyed) return
    const bytes = joined(this.#lines)
    this.#lines = []
    this.#bytes = 0
    this.#isBlocked = !this.#writable.write(bytes)
    if (!this.#isBlocked) this.#onSpace?.()
  }

  /** Resolves when the outbox is not full any more, or the client is gone. Cuts off a client that has stalled. */
  async whenSpace(): Promise<void> {
    if (!this.isFull || this.#writable.destroyed) return
    using _stalled = this.#clock.schedule(STALLED_MS_MAX, () => this.#writable.destroy())
    await new Promise<void>(resolve => {
      this.#onSpace = resolve
    })
    this.#onSpace = undefined
  }

  #unblock(): void {
    this.#isBlocked = false
    this.flush()
    if (!this.isFull || this.#writable.destroyed) this.#onSpace?.()
  }
}

/** A thousand watchers of one kind get the same lines at the same time: the joined bytes of a run are kept for the next. */
const lastJoined = new WeakMap<Uint8Array, { lines: readonly Uint8Array[]; bytes: Uint8Array }>()

function joined(lines: readonly Uint8Array[]): Uint8Array {
  const first = lines[0]!
  if (lines.length === 1) return first
  const known = lastJoined.get(first)
  if (known && known.lines.length === lines.length && known.lines.every((line, i) => line === lines[i]))
    return known.bytes
  const bytes = Buffer.concat(lines)
  lastJoined.set(first, { lines, bytes })
  return bytes
}
