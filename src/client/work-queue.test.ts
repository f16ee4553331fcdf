import { expect, test } from 'vitest'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { WorkQueue } from './work-queue.ts'

test('a key added many times is handed out once', async () => {
  const queue = new WorkQueue(new VirtualClock())
  for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
  expect([await queue.take(), await queue.take(), queue.depth]).toEqual(['a', 'b', 0])
})

test('a key added while it is worked on comes again after that pass, and never beside it', async () => {
  const queue = new WorkQueue(new VirtualClock())
  queue.add('a')
  await queue.take()
  queue.add('a')
  queue.add('a')
  expect(queue.depth).toBe(0)
  queue.done('a')
  expect(await queue.take()).toBe('a')
  queue.done('a')
  expect(queue.depth).toBe(0)
})

test('L1: failures are spaced 5 ms, 10 ms, 20 ms … until the key goes well', async () => {
  const clock = new VirtualClock()
  const queue = new WorkQueue(clock)
  const waits: number[] = []
  for (let failure = 0; failure < 4; failure++) {
    queue.addAfterFailure('a')
    waits.push(clock.untilNextMs()!)
    await clock.advance(waits.at(-1)!)
    await queue.take()
    queue.done('a')
  }
  expect(waits).toEqual([5, 10, 20, 40])
  queue.forgetFailures('a')
  queue.addAfterFailure('a')
  expect(clock.untilNextMs()).toBe(5)
})

test('beyond a burst of a hundred, retries of all keys together come ten a second', async () => {
  const clock = new VirtualClock()
  const queue = new WorkQueue(clock)
  for (let key = 0; key < 130; key++) queue.addAfterFailure(`key-${key}`)
  await clock.advance(50)
  expect(queue.depth).toBe(100)
  await clock.advance(1000)
  expect(queue.depth).toBe(110)
})

test('of several planned times the earliest counts', async () => {
  const clock = new VirtualClock()
  const queue = new WorkQueue(clock)
  queue.addAfter('a', 1000)
  queue.addAfter('a', 100)
  queue.addAfter('a', 5000)
  await clock.advance(100)
  expect(await queue.take()).toBe('a')
  queue.done('a')
  await clock.advance(10_000)
  expect(queue.depth).toBe(0)
})

test('closing lets every taker go and leaves no timer behind', async () => {
  const clock = new VirtualClock()
  const queue = new WorkQueue(clock)
  const taking = [queue.take(), queue.take()]
  queue.addAfter('a', 100)
  queue.close()
  expect(await Promise.all(taking)).toEqual([undefined, undefined])
  expect(clock.untilNextMs()).toBeUndefined()
})
