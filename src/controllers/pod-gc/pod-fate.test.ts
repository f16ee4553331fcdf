import { expect, test } from 'vitest'
import type { Taint } from '../../api/core-v1/types.ts'
import { nodeOf, podOf } from '../fixtures.ts'
import { fateOf, surplusEnded } from './pod-fate.ts'

const onNode = { spec: { nodeName: 'n1' } }
const silent = (...taints: Taint[]) =>
  nodeOf('n1', { spec: { taints }, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })
const outOfService: Taint = { key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }

test('a Pod on a machine that is there is the business of that machine', () => {
  expect(fateOf(podOf('a', onNode), nodeOf('n1'))).toBe('keep')
  expect(fateOf(podOf('a', { ...onNode, isTerminating: true }), silent())).toBe('keep')
})

test('a terminating Pod on a silent machine goes once a person has said that the machine is off', () => {
  expect(fateOf(podOf('a', { ...onNode, isTerminating: true }), silent(outOfService))).toBe('remove')
  expect(fateOf(podOf('a', onNode), silent(outOfService))).toBe('keep')
  const awake = nodeOf('n1', { spec: { taints: [outOfService] } })
  expect(fateOf(podOf('a', { ...onNode, isTerminating: true }), awake)).toBe('keep')
})

test('N5: a terminating Pod that was never bound goes; one whose machine is missing is orphaned', () => {
  expect(fateOf(podOf('a', { isTerminating: true }), undefined)).toBe('remove')
  expect(fateOf(podOf('a'), undefined)).toBe('keep')
  expect(fateOf(podOf('a', onNode), undefined)).toBe('orphaned')
})

test('N5: of too many ended Pods the evicted and the oldest go', () => {
  const at = (name: string, creationTimestamp: string, reason?: string) =>
    podOf(name, { meta: { creationTimestamp }, status: { phase: 'Failed', ...(reason && { reason }) } })
  const ended = [
    at('new', '2026-01-03T00:00:00Z'),
    at('old', '2026-01-01T00:00:00Z'),
    at('evicted', '2026-01-02T00:00:00Z', 'Evicted'),
  ]
  expect(surplusEnded(ended, 1).map(({ metadata }) => metadata.name)).toEqual(['evicted', 'old'])
  expect(surplusEnded(ended, 3)).toEqual([])
})
