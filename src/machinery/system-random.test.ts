import { expect, test } from 'vitest'
import { systemRandom } from './system-random.ts'

test('no bytes are handed out twice, and what was handed out stays as it is', () => {
  const taken = Array.from({ length: 2000 }, () => systemRandom.bytes(16))
  const texts = taken.map(bytes => Buffer.from(bytes).toString('hex'))
  expect(new Set(texts).size).toBe(taken.length)
  expect(texts).not.toContain('0'.repeat(32))
  systemRandom.bytes(16)
  expect(taken.map(bytes => Buffer.from(bytes).toString('hex'))).toEqual(texts)
})

test('any number of bytes can be had', () => {
  for (const count of [0, 1, 511, 513, 8192, 100_000]) expect(systemRandom.bytes(count)).toHaveLength(count)
})
