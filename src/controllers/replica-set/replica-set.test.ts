import { expect, test } from 'vitest'
import type { ReplicaSet } from '../../api/apps-v1/types.ts'
import { metaOf, podOf } from '../fixtures.ts'
import { slowStart } from '../slow-start.ts'
import { deletionOrder } from './deletion-order.ts'
import { statusOf, untilNextAvailableMs } from './status.ts'

const now = new Date('2026-01-01T01:00:00Z')
const set: ReplicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { ...metaOf('web'), generation: 2 },
  spec: { replicas: 3, minReadySeconds: 10, selector: {}, template: { metadata: { labels: { app: 'web' } } } },
  status: { replicas: 0 },
}
const order = (...pods: ReturnType<typeof podOf>[]): string[] =>
  deletionOrder(pods, { related: pods, now }).map(({ metadata }) => metadata.name)
const onNode = { nodeName: 'n1' }

test('Pods that are least far go first', () => {
  const unscheduled = podOf('unscheduled', { isReady: false, status: { phase: 'Pending' } })
  const pending = podOf('pending', { isReady: false, spec: onNode, status: { phase: 'Pending' } })
  const unready = podOf('unready', { isReady: false, spec: onNode })
  expect(order(podOf('ready', { spec: onNode }), unready, pending, unscheduled)).toEqual([
    'unscheduled',
    'pending',
    'unready',
    'ready',
  ])
})

test('of equals the cheaper goes first, then the one in the larger crowd, then the one ready for less time', () => {
  const annotations = { 'controller.kubernetes.io/pod-deletion-cost': '5' }
  expect(order(podOf('dear', { meta: { annotations } }), podOf('cheap'))).toEqual(['cheap', 'dear'])
  const alone = podOf('alone', { spec: { nodeName: 'n2' } })
  expect(order(alone, podOf('a', { spec: onNode }), podOf('b', { spec: onNode })).at(-1)).toBe('alone')
  expect(order(podOf('old'), podOf('new', { readySince: '2026-01-01T00:59:50Z' }))).toEqual(['new', 'old'])
})

test('the status counts active Pods, and those that go apart', () => {
  const pods = [
    podOf('a'),
    podOf('b', { readySince: '2026-01-01T00:59:55Z' }),
    podOf('c', { isReady: false, meta: { labels: {} } }),
    podOf('d', { isTerminating: true }),
    podOf('e', { status: { phase: 'Failed' } }),
  ]
  expect(statusOf(set, { pods, now })).toEqual({
    replicas: 3,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 2,
  })
  expect(untilNextAvailableMs(pods, 10, now)).toBe(5000)
})

test('a failure is a condition that keeps its time while it lasts and goes with it', () => {
  const failure = { reason: 'FailedCreate', error: new Error('quota exceeded') } as const
  const status = statusOf(set, { pods: [], failure, now })
  expect(status.conditions).toMatchObject([{ type: 'ReplicaFailure', status: 'True', message: 'quota exceeded' }])
  const later = new Date('2026-01-01T02:00:00Z')
  expect(statusOf({ ...set, status }, { pods: [], failure, now: later }).conditions).toEqual(status.conditions)
  expect(statusOf({ ...set, status }, { pods: [], now: later }).conditions).toBeUndefined()
})

test('when nothing can be created only one is tried', async () => {
  let tries = 0
  const step = async (): Promise<void> => {
    tries++
    throw new Error('quota exceeded')
  }
  expect(await slowStart(100, step)).toMatchObject({ succeeded: 0 })
  expect(tries).toBe(1)
  expect(await slowStart(10, async () => {})).toEqual({ succeeded: 10 })
})
