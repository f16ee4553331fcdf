import { expect, test } from 'vitest'
import type { Pod } from '../api/core-v1/types.ts'
import { hasPodEnded, isPodActive, isPodAvailable, isPodReady, untilPodAvailableMs } from './pod-state.ts'

const now = new Date('2026-01-01T00:01:00Z')

const readySince = (lastTransitionTime: string): Pod =>
  ({ metadata: {}, status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] } }) as unknown as Pod

test('a Pod is available once it has been ready for minReadySeconds', () => {
  const pod = readySince('2026-01-01T00:00:50Z')
  expect(isPodAvailable(pod, 10, now)).toBe(true)
  expect(isPodAvailable(pod, 11, now)).toBe(false)
  expect(untilPodAvailableMs(pod, 15, now)).toBe(5000)
})

test('without minReadySeconds ready means available, whatever the clock says', () => {
  expect(isPodAvailable(readySince('2026-01-01T01:00:00Z'), 0, now)).toBe(true)
})

test('a Pod without a true Ready condition is neither ready nor available', () => {
  const pod = { metadata: {}, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } } as unknown as Pod
  expect(isPodReady(pod)).toBe(false)
  expect(untilPodAvailableMs(pod, 0, now)).toBeUndefined()
})

test('a Pod is active until it has ended or is being deleted', () => {
  const running = { metadata: {}, status: { phase: 'Running' } } as unknown as Pod
  expect(isPodActive(running)).toBe(true)
  expect(isPodActive({ ...running, status: { phase: 'Failed' } })).toBe(false)
  expect(hasPodEnded({ ...running, status: { phase: 'Succeeded' } })).toBe(true)
  const { metadata } = running
  expect(isPodActive({ ...running, metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } })).toBe(false)
})
