import { expect, test } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

test('timers run in order of their time, and ties in the order they were planned', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  for (const [name, delayMs] of [
    ['c', 30],
    ['a', 10],
    ['b1', 20],
    ['b2', 20],
  ] as const)
    clock.schedule(delayMs, () => seen.push(name))
  await clock.advance(25)
  expect(seen).toEqual(['a', 'b1', 'b2'])
  expect(clock.monotonicMs()).toBe(25)
  expect(clock.untilNextMs()).toBe(5)
})

test('what a timer sets in motion is finished before the next timer runs', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  const work = async (): Promise<void> => {
    for (let step = 0; step < 50; step++) await Promise.resolve()
    seen.push('work of the first')
  }
  clock.schedule(1, () => void work())
  clock.schedule(2, () => seen.push('second'))
  await clock.advance(5)
  expect(seen).toEqual(['work of the first', 'second'])
})

test('a cancelled timer never runs, and a sleep ends at once when its signal is aborted', async () => {
  const clock = new VirtualClock()
  let ran = false
  const timer = clock.schedule(10, () => {
    ran = true
  })
  timer.cancel()
  const stop = new AbortController()
  const sleeping = clock.sleep(1000, stop.signal)
  stop.abort(new Error('stopped'))
  await expect(sleeping).rejects.toThrow('stopped')
  await clock.advance(100)
  expect(ran).toBe(false)
})
