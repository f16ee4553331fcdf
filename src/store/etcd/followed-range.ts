import type { ClientDuplexStream } from '@grpc/grpc-js'
import { type Revision, revision } from '../store.ts'
import type { EtcdClient } from './etcd-client.ts'
import { isServiceError, isTokenRefused, storeErrorFrom } from './etcd-error.ts'
import { numberFrom, type WatchEvent, type WatchRequest, type WatchResponse } from './etcd-messages.ts'
import { range as rangeOf } from './etcd-methods.ts'

/** What a stream tells: events up to and with a revision, perhaps none; or that what it should tell was compacted. */
export type Followed =
  | { readonly type: 'events'; readonly events: readonly WatchEvent[]; readonly revision: Revision }
  | { readonly type: 'compacted'; readonly mark: Revision }

export interface FollowOptions {
  readonly client: EtcdClient
  readonly range: { readonly key: Buffer; readonly range_end: Buffer }
  readonly after: Revision
  readonly signal: AbortSignal
}

/** What one stream tells, until it breaks: it throws then. Returns when the signal is aborted. */
export async function* followOnce({
  client,
  range,
  after,
  signal,
}: FollowOptions): AsyncGenerator<Followed, void, void> {
  const stream = await client.watch()
  stream.on('error', () => {}) // The iterator throws it too, unless it is over already.
  const cancel = (): void => stream.cancel()
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel)
  try {
    stream.write({ create_request: { ...range, start_revision: after + 1, progress_notify: true, prev_kv: true } })
    let position = after
    for await (const response of responses(stream)) {
      const mark = numberFrom(response.compact_revision)
      if (mark > 0) return yield { type: 'compacted', mark: revision(mark) }
      if (response.canceled) throw new Error(`etcd ended the watch: ${response.cancel_reason}`)
      if (response.created) {
        if (after > 0 && numberFrom(response.header.revision) > after && !(await isReadable(client, range.key, after)))
          return yield { type: 'compacted', mark: revision(after + 1) }
        continue
      }
      const events = response.events.filter(event => numberFrom(event.kv.mod_revision) > position)
      const last = response.events.at(-1)
      // With events the header may be ahead of what was sent; alone it tells of progress.
      const reached = last ? numberFrom(last.kv.mod_revision) : numberFrom(response.header.revision)
      if (reached <= position) continue
      position = revision(reached)
      yield { type: 'events', events, revision: position }
    }
  } catch (error) {
    if (isServiceError(error) && isTokenRefused(error)) client.forgetToken()
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', cancel)
    stream.cancel()
  }
}

/** A watch may begin at the compaction mark itself, but a deletion that lies exactly there may have been dropped. */
async function isReadable(client: EtcdClient, key: Buffer, at: Revision): Promise<boolean> {
  try {
    await client.call(rangeOf, { key, revision: at, count_only: true })
    return true
  } catch (error) {
    if (storeErrorFrom(error).code === 'compacted') return false
    throw error
  }
}

const responses = (stream: ClientDuplexStream<WatchRequest, WatchResponse>): AsyncIterable<WatchResponse> => stream
