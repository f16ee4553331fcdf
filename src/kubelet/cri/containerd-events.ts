import { Metadata } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import type { Clock } from '../../machinery/clock.ts'
import type { CriChannel } from './grpc-channel.ts'

/** One change that containerd tells of: the topic, and the container or sandbox it concerns. */
export interface ContainerdEvent {
  readonly topic: string
  readonly id: string
  /** It concerns a command that was run in the container, for example by a probe: containerd's name of it. */
  readonly execId?: string
}

export const EXEC_STARTED = '/tasks/exec-started'
const SUBSCRIBE = '/containerd.services.events.v1.Events/Subscribe'
/** What ends or starts by itself, and the start of commands. What we remove ourselves we know. */
const FILTERS = ['namespace==k8s.io,topic~=^/tasks/(start|exit|oom|exec-started)']
const RETRY_MS = 250

/**
 * containerd's own stream of events: CRI of version 1.6 has none. Yields undefined whenever the stream begins, also for
 * the first time, because what happened before that was missed.
 */
export async function* containerdEvents(
  channel: CriChannel,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): AsyncIterable<ContainerdEvent | undefined> {
  while (!signal.aborted) {
    const stream = channel.client.makeServerStreamRequest(
      SUBSCRIBE,
      encodedFilters,
      envelopeFrom,
      FILTERS,
      new Metadata({ waitForReady: true }),
    )
    stream.on('error', () => {}) // Also thrown to the reader below; between two reads nobody else would hear it.
    const cancel = (): void => stream.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      await channel.untilUp(signal) // Sent after the subscription, so that nothing falls between the two.
      yield undefined
      yield* stream as AsyncIterable<ContainerdEvent>
    } catch {
      // The stream broke: containerd is gone or going. It is opened again below.
    } finally {
      signal.removeEventListener('abort', cancel)
      stream.cancel()
    }
    await clock.sleep(RETRY_MS, signal).catch(() => {}) // Aborted: the loop ends.
  }
}

/** `SubscribeRequest { repeated string filters = 1 }` */
function encodedFilters(filters: readonly string[]): Buffer {
  const writer = protobuf.Writer.create()
  for (const filter of filters) writer.uint32(fieldTag(1)).string(filter)
  return Buffer.from(writer.finish())
}

const LENGTH_DELIMITED = 2
const fieldTag = (field: number): number => (field << 3) | LENGTH_DELIMITED

/** `Envelope { timestamp = 1, namespace = 2, topic = 3, Any event = 4 }`, whose events all name what they concern first. */
function envelopeFrom(bytes: Buffer): ContainerdEvent {
  const fields = stringFields(bytes)
  const any = stringFields(fields.get(4) ?? new Uint8Array())
  const event = stringFields(any.get(2) ?? new Uint8Array())
  const topic = textOf(fields.get(3))
  const id = textOf(event.get(1))
  // The start and end of a process name it beside its container; both are the same for the container's own.
  const process = topic === '/tasks/exit' || topic === EXEC_STARTED ? textOf(event.get(2)) : id
  return { topic, id, ...(process !== id && { execId: process }) }
}

const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8')

/** The first value of each length-delimited field of a message. */
function stringFields(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const reader = protobuf.Reader.create(bytes)
  const fields = new Map<number, Uint8Array>()
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if ((tag & 7) === LENGTH_DELIMITED) {
      const value = reader.bytes()
      if (!fields.has(tag >>> 3)) fields.set(tag >>> 3, value)
    } else reader.skipType(tag & 7)
  }
  return fields
}
