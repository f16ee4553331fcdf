import { expect, test } from 'vitest'
import { isSameNodeStatus } from './node-status.ts'

test('a status is the same in whatever form the server gives it back', () => {
  const sent = { capacity: { memory: '8388608Ki', cpu: '4' }, images: [] }
  const stored = { capacity: { cpu: '4', memory: '8Gi' } }
  expect(isSameNodeStatus(sent, stored)).toBe(true)
  expect(isSameNodeStatus(sent, { capacity: { cpu: '4', memory: '7Gi' } })).toBe(false)
})

test('the time of a heartbeat alone is no difference', () => {
  const at = (lastHeartbeatTime: string) => ({ conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime }] })
  expect(isSameNodeStatus(at('2026-01-01T00:00:00Z'), at('2026-01-01T00:00:10Z'))).toBe(true)
})
