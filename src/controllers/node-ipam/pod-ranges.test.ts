import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PodRanges } from './pod-ranges.ts'

const rangesWith = (used: readonly string[]): PodRanges => {
  const ranges = new PodRanges({ clusterRange: '10.244.0.0/16', nodePrefix: 24 })
  for (const range of used) ranges.take(range)
  return ranges
}
const all = Array.from({ length: 256 }, (_, at) => `10.244.${at}.0/24`)

test('machines get the first range that is free', () => {
  expect(rangesWith([]).free()).toBe('10.244.0.0/24')
  expect(rangesWith(['10.244.0.0/24', '10.244.2.0/24']).free()).toBe('10.244.1.0/24')
})

test('a range of another size in use is not given away in parts', () => {
  expect(rangesWith(['10.244.0.0/22']).free()).toBe('10.244.4.0/24')
  expect(rangesWith(['10.244.0.128/25', 'fd00::/64', 'nonsense']).free()).toBe('10.244.1.0/24')
  expect(rangesWith(['10.0.0.0/8']).free()).toBeUndefined()
  expect(rangesWith(['10.96.0.0/12', '192.168.0.0/16']).free()).toBe('10.244.0.0/24')
})

test('every machine of a full cluster has another range, and the next one none', () => {
  const ranges = rangesWith([])
  const used: string[] = []
  for (let range = ranges.free(); range; range = ranges.free()) {
    used.push(range)
    ranges.take(range)
  }
  expect(used).toEqual(all)
})

test('the range of a machine that went is given again', () => {
  fc.assert(
    fc.property(fc.nat({ max: 255 }), at => {
      const ranges = rangesWith(all)
      expect(ranges.free()).toBeUndefined()
      ranges.release(all[at]!)
      expect(ranges.free()).toBe(all[at])
    }),
  )
})

test('a range that two machines use is free when both have gone', () => {
  const ranges = rangesWith(['10.244.0.0/24', '10.244.0.0/24'])
  ranges.release('10.244.0.0/24')
  expect(ranges.free()).toBe('10.244.1.0/24')
  ranges.release('10.244.0.0/24')
  expect(ranges.free()).toBe('10.244.0.0/24')
})
