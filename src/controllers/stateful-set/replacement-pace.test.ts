import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { podOf } from '../fixtures.ts'
import { ReplacementPace } from './replacement-pace.ts'

test('B6, #122709: a Pod that ends again and again is replaced more slowly each time, up to a minute', async () => {
  const clock = new VirtualClock()
  const pace = new ReplacementPace(clock)
  const waits: number[] = []
  for (let life = 0; life < 9; life++) {
    const waitMs = pace.waitMs('set', podOf('web-0', { meta: { uid: `life-${life}` } }))
    waits.push(waitMs)
    await clock.advance(waitMs)
    expect(pace.waitMs('set', podOf('web-0', { meta: { uid: `life-${life}` } }))).toBe(0)
  }
  expect(waits).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
})

test('a Pod that lasted is replaced at once, and so is one of another name', async () => {
  const clock = new VirtualClock()
  const pace = new ReplacementPace(clock)
  const waitFor = (name: string, uid: string) => pace.waitMs('set', podOf(name, { meta: { uid } }))
  expect([waitFor('web-0', 'a'), waitFor('web-0', 'b'), waitFor('web-1', 'c')]).toEqual([0, 1000, 0])
  await clock.advance(700_000)
  expect(waitFor('web-0', 'd')).toBe(0)
})
