import fc from 'fast-check'
import { expect, test } from 'vitest'
import { freePodRange } from './pod-ranges.ts'

const options = { clusterRange: '10.244.0.0/16', nodePrefix: 24 }

test('machines get the first range that is free', () => {
  expect(freePodRange(options, [])).toBe('10.244.0.0/24')
  expect(freePodRange(options, ['10.244.0.0/24', '10.244.2.0/24'])).toBe('10.244.1.0/24')
})

test('a range of another size in use is not given away in parts', () => {
  expect(freePodRange(options, ['10.244.0.0/22'])).toBe('10.244.4.0/24')
  expect(freePodRange(options, ['10.244.0.128/25', 'fd00::/64'])).toBe('10.244.1.0/24')
})

test('every machine of a full cluster has another range, and the next one none', () => {
  const used: string[] = []
  for (let range = freePodRange(options, used); range; range = freePodRange(options, used)) used.push(range)
  expect(new Set(used).size).toBe(256)
})

test('the range of a machine that went is given again', () => {
  const all = Array.from({ length: 256 }, (_, at) => `10.244.${at}.0/24`)
  fc.assert(
    fc.property(fc.nat({ max: 255 }), at => {
      expect(freePodRange(options, all.toSpliced(at, 1))).toBe(all[at])
    }),
  )
})
