import type { Writable } from 'node:stream'
import type { Clock } from '../../machinery/clock.ts'
import { internalError, StatusError } from '../../machinery/status.ts'
import type { Encoded, EncodedWatchEvent, EncodedWatchIterator } from '../../registry/resource.ts'
import { type WatchFlusher, WatchOutbox } from './watch-outbox.ts'

export interface WatchStreamOptions {
  readonly events: EncodedWatchIterator
  readonly writable: Writable
  readonly lineOf: (event: EncodedWatchEvent) => Uint8Array
  readonly flusher: WatchFlusher
  readonly clock: Clock
  readonly onUnexpected: (error: unknown) => void
}

/**
 * Writes events as lines of JSON until they end, fail or the client is gone. A failure becomes a last ERROR event. While
 * the client does not read, no further event is taken: the resource's own bounded buffer then ends the watch. Only the
 * first event of a frame is waited for; the others are taken when the frame goes out.
 */
export async function streamWatch(options: WatchStreamOptions): Promise<void> {
  const { events, writable } = options
  const outbox = new WatchOutbox(writable, { ...options, take: () => events.take?.() })
  try {
    for (let next = await events.next(); !next.done && !writable.destroyed; next = await events.next())
      await outbox.send(next.value)
  } catch (error) {
    if (!writable.destroyed) writable.write(errorLine(error, options.onUnexpected))
  } finally {
    await events.return?.()
  }
  writable.end()
}

function errorLine(error: unknown, onUnexpected: (error: unknown) => void): Uint8Array {
  if (!(error instanceof StatusError)) onUnexpected(error)
  const { status } = error instanceof StatusError ? error : internalError(error)
  return Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
}

type Lines = { [K in EncodedWatchEvent['type']]?: Uint8Array }

/** Every watcher of an object's revision gets the same line, so it is made once. */
const sharedLines = new WeakMap<Encoded, Lines>()

export function sharedLineOf({ type, encoded }: EncodedWatchEvent): Uint8Array {
  let lines = sharedLines.get(encoded)
  if (!lines) {
    lines = {}
    sharedLines.set(encoded, lines)
  }
  lines[type] ??= lineOf(type, encoded.json())
  return lines[type]
}

const LINE_END = Buffer.from('}\n')

export const lineOf = (type: EncodedWatchEvent['type'], json: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`{"type":"${type}","object":`), json, LINE_END])
