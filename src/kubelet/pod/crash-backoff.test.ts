import { expect, test } from 'vitest'
import { CrashBackoff } from './crash-backoff.ts'

const limits = { msMin: 10_000, msMax: 300_000, resetMs: 600_000 }

test('the pause begins after the first failure, doubles to five minutes, and is forgotten after ten good ones', () => {
  const backoff = new CrashBackoff(limits)
  let nowMs = 0
  const pauses: number[] = []
  for (let failure = 0; failure < 8; failure++) {
    const pauseMs = backoff.remainingMs('c', { failedAtMs: nowMs, nowMs })
    pauses.push(pauseMs / 1000)
    nowMs += pauseMs
    backoff.next('c', { failedAtMs: nowMs, nowMs })
  }
  expect(pauses).toEqual([0, 10, 20, 40, 80, 160, 300, 300])
  expect(backoff.remainingMs('c', { failedAtMs: nowMs + 700_000, nowMs: nowMs + 700_000 })).toBe(0)
})
