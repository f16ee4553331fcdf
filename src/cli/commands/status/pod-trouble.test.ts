import { expect, test } from 'vitest'
import { Pod } from '../../../api/core-v1/types.ts'
import { podTrouble } from './pod-trouble.ts'

const pod = (status: Pod['status'], deletionTimestamp?: string): Pod =>
  ({
    ...Pod,
    metadata: { namespace: 'default', name: 'web-1', ...(deletionTimestamp && { deletionTimestamp }) },
    spec: { nodeName: 'node1', containers: [] },
    status,
  }) as unknown as Pod

test('a Pod that is ready or done is no trouble', () => {
  expect(podTrouble(pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }))).toEqual([])
  expect(podTrouble(pod({ phase: 'Succeeded' }))).toEqual([])
})

test('a Pod that cannot leave is told by its machine and since when', () => {
  const stuck = pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] }, '2026-11-21T08:50:20Z')
  expect(podTrouble(stuck)).toEqual(['pod default/web-1: Terminating since 2026-11-21T08:50:20Z on node1'])
})

test('a Pod that waits is told by its first cause', () => {
  const conditions = [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }]
  expect(podTrouble(pod({ phase: 'Pending', conditions }))).toEqual([
    'pod default/web-1: Pending: 0/3 nodes are available',
  ])
})
