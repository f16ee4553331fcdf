import { expect, test } from 'vitest'
import type { Pod, Taint, Toleration } from '../../api/core-v1/types.ts'
import { nodeOf, podOf } from '../fixtures.ts'
import { evictionTimeOf } from './eviction-time.ts'

const unreachable: Taint = {
  key: 'node.kubernetes.io/unreachable',
  effect: 'NoExecute',
  timeAdded: '2026-01-01T00:10:00Z',
}
const tolerating = (...tolerations: Toleration[]): Pod => podOf('web-0', { spec: { nodeName: 'n1', tolerations } })
const forSeconds = (tolerationSeconds?: number): Toleration => ({
  key: unreachable.key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds !== undefined && { tolerationSeconds }),
})
const timeFor = (pod: Pod, ...taints: Taint[]): string | undefined =>
  evictionTimeOf(pod, nodeOf('n1', { spec: { taints } }))?.toISOString()

test('a Pod stays for as long as it tolerates the taint, from when the taint was added', () => {
  expect(timeFor(tolerating(forSeconds(300)), unreachable)).toBe('2026-01-01T00:15:00.000Z')
  expect(timeFor(tolerating(forSeconds()), unreachable)).toBeUndefined()
  expect(timeFor(tolerating(forSeconds(300), forSeconds(60)), unreachable)).toBe('2026-01-01T00:11:00.000Z')
})

test('a Pod that does not tolerate a taint leaves at once, whatever it says of others', () => {
  const other: Taint = { key: 'maintenance', effect: 'NoExecute' }
  expect(timeFor(tolerating(forSeconds(300)), unreachable, other)).toBe('1970-01-01T00:00:00.000Z')
})

test('taints that only keep new Pods away drive nobody off', () => {
  expect(timeFor(tolerating(), { ...unreachable, effect: 'NoSchedule' })).toBeUndefined()
})

test('a Pod that came after the taint has its full time from then', () => {
  const conditions = [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T01:00:00Z' }]
  const late = { ...tolerating(forSeconds(60)), status: { conditions } }
  expect(timeFor(late, unreachable)).toBe('2026-01-01T01:01:00.000Z')
})
