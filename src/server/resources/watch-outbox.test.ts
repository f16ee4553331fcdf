import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { OUTBOX_BYTES_MAX, STALLED_MS_MAX, WatchFlusher, WatchOutbox } from './watch-outbox.ts'

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

const line = Buffer.alloc(1024, 'x')

function outboxFor(writable: Writable) {
  const clock = new VirtualClock()
  return { clock, outbox: new WatchOutbox(writable, { clock, flusher: new WatchFlusher(clock) }) }
}

test('events that come close together travel in one frame', async () => {
  const { frames, writable } = slowClient()
  const { clock, outbox } = outboxFor(writable)
  for (const text of ['a\n', 'b\n', 'c\n']) outbox.push(Buffer.from(text))
  await clock.advance(10)
  expect(frames).toEqual(['a\nb\nc\n'])
})

test('few watchers get what follows at once, many get it together', async () => {
  const clock = new VirtualClock()
  const flusher = new WatchFlusher(clock)
  const frames: string[] = []
  const outboxes = Array.from({ length: 200 }, (_, i) => {
    const write = (chunk: Buffer, _: unknown, done: () => void): void => {
      if (i === 0) frames.push(chunk.toString())
      done()
    }
    return new WatchOutbox(new Writable({ write }), { clock, flusher })
  })
  const push = async (text: string, watchers: number): Promise<void> => {
    for (const outbox of outboxes.slice(0, watchers)) outbox.push(Buffer.from(text))
    await clock.advance(1)
  }
  await push('a', 2)
  await push('b', 200)
  await push('c', 200)
  expect(frames).toEqual(['a', 'b'])
  await clock.advance(10)
  expect(frames).toEqual(['a', 'b', 'c'])
})

test('a client that stops reading costs a bounded buffer and is cut off in the end', async () => {
  const { frames, writable } = slowClient()
  const { clock, outbox } = outboxFor(writable)
  outbox.push(line)
  await clock.advance(10)
  let pushed = 0
  while (!outbox.isFull) {
    outbox.push(line)
    pushed++
  }
  expect(pushed * line.length).toBe(OUTBOX_BYTES_MAX)
  const space = outbox.whenSpace()
  await clock.advance(STALLED_MS_MAX + 1)
  await space
  expect(writable.destroyed).toBe(true)
  expect(frames).toHaveLength(1)
})

test('a client that reads again gets everything in order', async () => {
  const { frames, writable, read } = slowClient()
  const { clock, outbox } = outboxFor(writable)
  outbox.push(Buffer.from('first\n'))
  await clock.advance(10)
  while (!outbox.isFull) outbox.push(line)
  const space = outbox.whenSpace()
  read()
  await clock.advance(10)
  read()
  await space
  expect(outbox.isFull).toBe(false)
  expect(frames.join('').length).toBe('first\n'.length + OUTBOX_BYTES_MAX)
})

test('many watchers get fewer frames, but none waits longer than nobody notices', async () => {
  const clock = new VirtualClock()
  const flusher = new WatchFlusher(clock)
  let frames = 0
  const outboxes = Array.from({ length: 2000 }, () => {
    const writable = new Writable({
      write(_chunk, _encoding, done) {
        frames++
        done()
      },
    })
    return new WatchOutbox(writable, { clock, flusher })
  })
  for (let elapsedMs = 0; elapsedMs < 100; elapsedMs += 5) {
    for (const outbox of outboxes) outbox.push(line)
    await clock.advance(5)
  }
  await clock.advance(50)
  expect(frames).toBeLessThanOrEqual(4 * outboxes.length)
})
