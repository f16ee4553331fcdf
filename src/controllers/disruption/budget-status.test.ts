import { expect, test } from 'vitest'
import type { PodDisruptionBudget } from '../../api/policy-v1/types.ts'
import { metaOf, podOf } from '../fixtures.ts'
import { evictionsOf, expectedOf, failedStatusOf, needsScale, statusOf } from './budget-status.ts'

const now = new Date('2026-01-01T01:00:00Z')
const budgetOf = (
  spec: PodDisruptionBudget['spec'],
  status: PodDisruptionBudget['status'] = {},
): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { ...metaOf('zk'), generation: 1 },
  spec,
  status,
})
const three = [podOf('zk-0'), podOf('zk-1'), podOf('zk-2')]
const stateOf = (budget: PodDisruptionBudget, pods: readonly ReturnType<typeof podOf>[], scale = pods.length) => {
  const { pending } = evictionsOf(budget, pods, now)
  return statusOf(budget, { pods, expected: expectedOf(budget, scale), pending, now })
}

test('one of three may go when two must stay, and none when one is gone', () => {
  const budget = budgetOf({ minAvailable: 2 })
  expect(stateOf(budget, three)).toMatchObject({
    expectedPods: 3,
    desiredHealthy: 2,
    currentHealthy: 3,
    disruptionsAllowed: 1,
    observedGeneration: 1,
    conditions: [{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }],
  })
  const weak = [podOf('zk-0', { isReady: false }), ...three.slice(1)]
  expect(stateOf(budget, weak)).toMatchObject({
    disruptionsAllowed: 0,
    conditions: [{ status: 'False', reason: 'InsufficientPods' }],
  })
})

test('shares are of the number that the owners want, rounded up', () => {
  expect(expectedOf(budgetOf({ maxUnavailable: 1 }), 5)).toEqual({ expectedPods: 5, desiredHealthy: 4 })
  expect(expectedOf(budgetOf({ maxUnavailable: '30%' }), 5)).toEqual({ expectedPods: 5, desiredHealthy: 3 })
  expect(expectedOf(budgetOf({ minAvailable: '50%' }), 5)).toEqual({ expectedPods: 5, desiredHealthy: 3 })
  expect(needsScale(budgetOf({ minAvailable: 2 }))).toBe(false)
  expect(needsScale(budgetOf({ minAvailable: '50%' }))).toBe(true)
})

test('a terminating Pod is not healthy, and neither is one whose eviction was just allowed', () => {
  const budget = budgetOf({ minAvailable: 1 }, { disruptedPods: { 'zk-1': '2026-01-01T00:59:00Z' } })
  const pods = [podOf('zk-0', { isTerminating: true }), ...three.slice(1)]
  expect(stateOf(budget, pods)).toMatchObject({
    currentHealthy: 1,
    disruptionsAllowed: 0,
    disruptedPods: { 'zk-1': '2026-01-01T00:59:00Z' },
  })
  expect(evictionsOf(budget, pods, now).recheckAfterMs).toBe(60_000)
})

test('an eviction that deletes nothing within two minutes counts no more, and is told', () => {
  const budget = budgetOf({ minAvailable: 1 }, { disruptedPods: { 'zk-1': '2026-01-01T00:57:00Z' } })
  const { overdue, pending } = evictionsOf(budget, three, now)
  expect(overdue.map(({ metadata }) => metadata.name)).toEqual(['zk-1'])
  expect(pending).toEqual({})
  expect(stateOf(budget, three)).not.toHaveProperty('disruptedPods')
})

test('a budget without Pods allows nothing', () => {
  expect(stateOf(budgetOf({ minAvailable: 0 }), [])).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0 })
})

test('when nobody can say how many Pods there shall be, none may go', () => {
  const budget = budgetOf({ maxUnavailable: 1 }, { disruptionsAllowed: 3, currentHealthy: 4 })
  expect(failedStatusOf(budget, 'found no controllers', now)).toMatchObject({
    disruptionsAllowed: 0,
    currentHealthy: 4,
    conditions: [{ status: 'False', reason: 'SyncFailed', message: 'found no controllers' }],
  })
})

test('a status that says the same is equal to the one before', () => {
  const budget = budgetOf({ minAvailable: 2 })
  const status = stateOf(budget, three)
  expect(stateOf({ ...budget, status }, three)).toEqual(status)
})
