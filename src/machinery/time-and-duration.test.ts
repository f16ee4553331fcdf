import { expect, test } from 'vitest'
import { durationMsOf, durationText } from './duration.ts'
import { scaledValueOf } from './int-or-string.ts'
import { microTimeText, timeOf, timeText } from './time.ts'

test('times are written as Kubernetes writes them', () => {
  const time = new Date('2026-11-21T07:08:09.123Z')
  expect(timeText(time)).toBe('2026-11-21T07:08:09Z')
  expect(microTimeText(time)).toBe('2026-11-21T07:08:09.123000Z')
  expect(timeOf('2026-11-21T09:08:09.123456+02:00')).toEqual(time)
  expect(() => timeOf('yesterday')).toThrow('not an RFC 3339 time')
  expect(() => timeOf('2026-11-21')).toThrow('not an RFC 3339 time')
})

test.each([
  ['0', 0, '0s'],
  ['10s', 10_000, '10s'],
  ['1h30m', 5_400_000, '1h30m0s'],
  ['1.5m', 90_000, '1m30s'],
  ['250ms', 250, '250ms'],
  ['-2s', -2000, '-2s'],
])('%s is %d ms, written %s', (text, ms, written) => {
  expect(durationMsOf(text)).toBe(ms)
  expect(durationText(ms)).toBe(written)
})

test.each(['', '5', 'ten', '1d', 's', '1h 2m'])('"%s" is no duration', text => {
  expect(() => durationMsOf(text)).toThrow('not a duration')
})

test('percentages are rounded as told', () => {
  expect(scaledValueOf('25%', { total: 10, round: 'up' })).toBe(3)
  expect(scaledValueOf('25%', { total: 10, round: 'down' })).toBe(2)
  expect(scaledValueOf(4, { total: 10, round: 'down' })).toBe(4)
  expect(() => scaledValueOf('many', { total: 10, round: 'up' })).toThrow('neither a number nor a percentage')
})
