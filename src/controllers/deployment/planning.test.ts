import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deploymentOf, replicaSetOf } from './deployment-fixtures.ts'
import { planRollingUpdate, planShrinking, type Scaling } from './plan-rolling-update.ts'
import { planScaling, wasScaled } from './plan-scaling.ts'
import { newReplicasOf, rolloutLimitsOf } from './rollout-limits.ts'

const sizes = (scalings: readonly Scaling[]): Record<string, number> =>
  Object.fromEntries(scalings.map(({ set, replicas }) => [set.metadata.name, replicas]))
const rolling = (maxSurge: number | string, maxUnavailable: number | string, replicas = 10) =>
  deploymentOf({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } })

test('surge is rounded up, unavailability down, and both are never zero', () => {
  expect(rolloutLimitsOf(rolling('25%', '25%'))).toEqual({ surge: 3, unavailable: 2 })
  expect(rolloutLimitsOf(rolling(0, '5%'))).toEqual({ surge: 0, unavailable: 1 })
  expect(rolloutLimitsOf(rolling('50%', 0, 1))).toEqual({ surge: 1, unavailable: 0 })
})

test('the newest ReplicaSet grows into the surge, or to the full size when Pods are re-created', () => {
  const old = replicaSetOf('old', { replicas: 10 })
  const empty = { spec: { replicas: 0, selector: {} } }
  expect(newReplicasOf(rolling('25%', '25%'), [old], empty)).toBe(3)
  expect(newReplicasOf(deploymentOf({ strategy: { type: 'Recreate' } }), [old], empty)).toBe(10)
})

test('a rolling update first grows, then shrinks by what is available above the minimum', () => {
  const deployment = rolling(2, 1)
  const old = [replicaSetOf('old', { replicas: 10 })]
  expect(sizes(planRollingUpdate(deployment, { newest: replicaSetOf('new', { replicas: 0 }), old }))).toEqual({
    new: 2,
  })
  const starting = replicaSetOf('new', { replicas: 2, available: 0 })
  expect(sizes(planRollingUpdate(deployment, { newest: starting, old }))).toEqual({ old: 9 })
  expect(sizes(planRollingUpdate(deployment, { newest: replicaSetOf('new', { replicas: 2 }), old }))).toEqual({
    old: 7,
  })
})

test('Pods that do not work go first, and do not keep working ones from being spared', () => {
  const broken = replicaSetOf('broken', { replicas: 5, available: 0, createdAt: '2026-01-01T00:00:01Z' })
  const working = replicaSetOf('working', { replicas: 5 })
  const newest = replicaSetOf('new', { replicas: 2, available: 0 })
  expect(sizes(planShrinking(rolling(2, 5), { newest, old: [broken, working] }))).toEqual({ broken: 0 })
})

test('a rolling update never plans below the minimum that is available, nor above the surge', () => {
  const count = fc.nat({ max: 12 })
  fc.assert(
    fc.property(
      count,
      count,
      count,
      count,
      fc.nat({ max: 3 }),
      fc.nat({ max: 3 }),
      (oldSize, oldDown, newSize, newDown, surge, down) => {
        const deployment = rolling(surge, down)
        const limits = rolloutLimitsOf(deployment)
        const old = replicaSetOf('old', { replicas: oldSize, available: Math.max(0, oldSize - oldDown) })
        const newest = replicaSetOf('new', { replicas: newSize, available: Math.max(0, newSize - newDown) })
        const planned = sizes(planRollingUpdate(deployment, { newest, old: [old] }))
        const after = { old: planned.old ?? oldSize, new: planned.new ?? newSize }
        if (after.new > newSize)
          expect(after.old + after.new).toBeLessThanOrEqual(Math.max(10 + limits.surge, oldSize + newSize))
        if (after.old < oldSize) {
          const availableOld = Math.min(after.old, old.status.availableReplicas!)
          const before = old.status.availableReplicas! + newest.status.availableReplicas!
          const availableMin = Math.min(before, 10 - limits.unavailable)
          expect(availableOld + newest.status.availableReplicas!).toBeGreaterThanOrEqual(availableMin)
        }
      },
    ),
  )
})

test('a Deployment was scaled when a ReplicaSet remembers another size', () => {
  expect(wasScaled(deploymentOf(), [replicaSetOf('a', { replicas: 5, desired: 10 })])).toBe(false)
  expect(wasScaled(deploymentOf(), [replicaSetOf('a', { replicas: 5, desired: 5 })])).toBe(true)
  expect(wasScaled(deploymentOf(), [replicaSetOf('a', { replicas: 0, desired: 5 })])).toBe(false)
})

test('the only active ReplicaSet takes the whole change of size', () => {
  const newest = replicaSetOf('new', { replicas: 5, desired: 5 })
  const old = [replicaSetOf('old', { replicas: 0, desired: 5 })]
  expect(sizes(planScaling(deploymentOf(), { newest, old }))).toEqual({ new: 10 })
})

test('in the middle of a rollout every ReplicaSet grows by its share', () => {
  const deployment = rolling(3, 2, 15)
  const old = [replicaSetOf('old', { replicas: 8, desired: 10, max: 13 })]
  const newest = replicaSetOf('new', {
    replicas: 5,
    available: 0,
    desired: 10,
    max: 13,
    createdAt: '2026-01-01T00:00:01Z',
  })
  expect(sizes(planScaling(deployment, { newest, old }))).toEqual({ old: 11, new: 7 })
})

test('scaling in proportion always adds up to the size with its surge', () => {
  const size = fc.integer({ min: 1, max: 20 })
  fc.assert(
    fc.property(size, size, size, fc.integer({ min: 1, max: 40 }), (a, b, c, wanted) => {
      const max = a + b + c
      const sets = [a, b, c].map((replicas, at) =>
        replicaSetOf(`s${at}`, { replicas, available: 0, desired: max - 3, max }),
      )
      const plan = planScaling(rolling(3, 0, wanted), { newest: sets[0], old: sets.slice(1) })
      const total = plan.reduce((sum, { replicas }) => sum + replicas, 0)
      expect(total).toBe(wanted + 3)
    }),
  )
})

test('scaling to zero in the middle of a rollout leaves nothing', () => {
  const deployment = rolling(3, 2, 0)
  const old = [replicaSetOf('old', { replicas: 8, desired: 10, max: 13 })]
  const newest = replicaSetOf('new', { replicas: 5, desired: 10, max: 13 })
  expect(sizes(planScaling(deployment, { newest, old }))).toEqual({ old: 0, new: 0 })
})
