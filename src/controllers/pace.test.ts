import { expect, test } from 'vitest'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { Pace } from './pace.ts'

test('work for something small is done at once, for something large after a pause of its size', async () => {
  const clock = new VirtualClock()
  const pace = new Pace(clock, { sizeFree: 50, pauseMsPerUnit: 2 })
  expect(pace.untilNextMs('large')).toBe(0)
  pace.note('small', 50)
  pace.note('large', 100)
  expect(pace.untilNextMs('small')).toBe(0)
  expect(pace.untilNextMs('large')).toBe(100)
  await clock.advance(100)
  expect(pace.untilNextMs('large')).toBe(0)
})
