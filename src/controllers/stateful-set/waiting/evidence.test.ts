import { expect, test } from 'vitest'
import { lastLineOf } from './evidence.ts'

test.each([
  ['first\n2026-01-01T10:00:00.123Z no quorum\n\n', 'no quorum'],
  ['2026-01-01 10:00:00,123 no quorum', 'no quorum'],
  ['[10:00:00] no quorum', 'no quorum'],
  ['2026/01/01 10:00:00 no quorum', 'no quorum'],
  ['E0101 10:00:00.123456       1 main.go:10] no quorum', 'main.go:10] no quorum'],
  ['no quorum at 10:00:00', 'no quorum at 10:00:00'],
  ['', ''],
])('of %j it says what stays the same from crash to crash: %j', (text, expected) => {
  expect(lastLineOf(text)).toBe(expected)
})
