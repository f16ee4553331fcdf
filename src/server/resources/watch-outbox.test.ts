import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { EncodedWatchEvent } from '../../registry/resource.ts'
import { FRAME_BYTES_MAX, STALLED_MS_MAX, WatchFlusher, WatchOutbox } from './watch-outbox.ts'

/** A client that reads when told. */
function slowClient() {
  const frames: string[] = []
  let finish: (() => void) | undefined
  const writable = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _, done) {
      frames.push(chunk.toString())
      finish = done
    },
  })
  return { frames, writable, read: () => finish?.() }
}

const eventOf = (text: string): EncodedWatchEvent => ({
  type: 'ADDED',
  encoded: { object: {}, json: () => Buffer.from(text) },
})
const lineOf = ({ encoded }: EncodedWatchEvent): Uint8Array => encoded.json()
const large = eventOf('x'.repeat(1024))

/** What the resource has for this watcher. */
function outboxFor(writable: Writable, clock = new VirtualClock(), flusher = new WatchFlusher(clock)) {
  const waiting: EncodedWatchEvent[] = []
  const outbox = new WatchOutbox(writable, { clock, flusher, lineOf, take: () => waiting.shift() })
  return { clock, waiting, outbox }
}

test('events that come close together travel in one frame', async () => {
  const { frames, writable } = slowClient()
  const { clock, outbox, waiting } = outboxFor(writable)
  const sent = outbox.send(eventOf('a\n'))
  waiting.push(eventOf('b\n'), eventOf('c\n'))
  await clock.advance(10)
  await sent
  expect(frames).toEqual(['a\nb\nc\n'])
})

test('a frame holds so many events and no more; the others wait with the resource', async () => {
  const { frames, writable } = slowClient()
  const { clock, outbox, waiting } = outboxFor(writable)
  for (let i = 0; i < 1000; i++) waiting.push(large)
  const sent = outbox.send(large)
  await clock.advance(10)
  await sent
  expect(frames.join('').length).toBe(FRAME_BYTES_MAX)
})

test('from a client that stops reading nothing more is taken, and it is cut off in the end', async () => {
  const { frames, writable } = slowClient()
  const { clock, outbox, waiting } = outboxFor(writable)
  const first = outbox.send(large)
  await clock.advance(10)
  await first
  waiting.push(large, large)
  const second = outbox.send(large)
  await clock.advance(STALLED_MS_MAX + 1)
  await second
  expect(waiting).toHaveLength(2)
  expect(writable.destroyed).toBe(true)
  expect(frames).toHaveLength(1)
})

test('a client that reads again gets everything in order', async () => {
  const { frames, writable, read } = slowClient()
  const { clock, outbox, waiting } = outboxFor(writable)
  const first = outbox.send(eventOf('first\n'))
  await clock.advance(10)
  await first
  const second = outbox.send(eventOf('second\n'))
  waiting.push(eventOf('third\n'))
  await clock.advance(1000)
  expect(frames).toEqual(['first\n'])
  read()
  await second
  expect(frames).toEqual(['first\n', 'second\nthird\n'])
  expect(writable.destroyed).toBe(false)
})

test('few watchers get what follows a millisecond later', async () => {
  const frames: string[] = []
  const write = (chunk: Buffer, _: unknown, done: () => void): void => {
    frames.push(chunk.toString())
    done()
  }
  const { clock, outbox } = outboxFor(new Writable({ write }))
  for (const text of ['a', 'b', 'c']) {
    const sent = outbox.send(eventOf(text))
    await clock.advance(1)
    await sent
  }
  expect(frames).toEqual(['a', 'b', 'c'])
})

test('many watchers get fewer frames, but none waits longer than nobody notices', async () => {
  const clock = new VirtualClock()
  const flusher = new WatchFlusher(clock)
  let frames = 0
  const clients = Array.from({ length: 2000 }, () => {
    const writable = new Writable({
      write(_chunk, _encoding, done) {
        frames++
        done()
      },
    })
    return { ...outboxFor(writable, clock, flusher), isSending: false }
  })
  for (let elapsedMs = 0; elapsedMs < 100; elapsedMs += 5) {
    for (const { waiting } of clients) waiting.push(large)
    for (const client of clients) {
      if (client.isSending) continue
      client.isSending = true
      void client.outbox.send(client.waiting.shift()!).then(() => {
        client.isSending = false
      })
    }
    await clock.advance(5)
  }
  await clock.advance(50)
  expect(frames).toBeLessThanOrEqual(4 * clients.length)
  expect(clients.every(({ waiting }) => waiting.length === 0)).toBe(true)
})
