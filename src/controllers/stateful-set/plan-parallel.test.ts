import { expect, test } from 'vitest'
import { claimOf, dataTemplate, stepTexts, type WorldTraits, worldOf } from './fixtures.ts'
import { planPass } from './plan-pass.ts'

const planOf = (pods: string, spec: WorldTraits['spec'] = {}) =>
  planPass(worldOf({ pods, spec: { podManagementPolicy: 'Parallel', ...spec } }))

const stages = (pods: string, spec: WorldTraits['spec'] = {}) =>
  planOf(pods, spec).stages.map(stage => stepTexts({ stages: [stage] }))

test('O6: all missing Pods are created in batches of 1, 2, 4 …', () => {
  expect(stages('', { replicas: 7 })).toEqual([
    ['create 0'],
    ['create 1', 'create 2'],
    ['create 3', 'create 4', 'create 5', 'create 6'],
  ])
})

test('O6: batches grow no further than 500', () => {
  const sizes = planOf('', { replicas: 2000 }).stages.map(stage => stage.length)
  expect(Math.max(...sizes)).toBe(500)
  expect(sizes.reduce((a, b) => a + b)).toBe(2000)
})

test('O6, X14: nobody waits for unhealthy or terminating Pods', () => {
  expect(stages('U.T', { replicas: 4 })).toEqual([['create 1'], ['create 3']])
})

test('O14, X14: condemned Pods go all at once, healthy or not', () => {
  expect(stages('UUUT', { replicas: 1 })).toEqual([['delete web-2', 'delete web-1']])
})

test('O16, #140858: condemned Pods go before missing ones are created', () => {
  expect(stages('AA', { replicas: 2, ordinals: { start: 1 } })).toEqual([['delete web-0'], ['create 2']])
})

test('O7, Y3: ended Pods are deleted, a terminating one is left to end', () => {
  expect(stages('TFS')).toEqual([['delete web-1'], ['delete web-2']])
})

test('a settled set has nothing to do and waits for nothing', () => {
  expect(planOf('AAA')).toEqual({ stages: [] })
})

test('a set with Pods on their way says which', () => {
  expect(planOf('AUP')).toMatchObject({
    wait: { rule: 'Settling', unavailable: [{ metadata: { name: 'web-1' } }, { metadata: { name: 'web-2' } }] },
  })
})

test.each([{ type: 'RollingUpdate', rollingUpdate: { partition: 2 } }, { type: 'OnDelete' }] as const)(
  'a Pod that is not available is told of before a rollout that rests (%o)',
  updateStrategy => {
    expect(planOf('aUA', { updateStrategy })).toMatchObject({ wait: { rule: 'Settling' } })
    expect(planOf('aaA', { updateStrategy })).toMatchObject({
      wait: { rule: updateStrategy.type === 'OnDelete' ? 'OnDelete' : 'Partition' },
    })
  },
)

test('a Pending Pod that is outdated and without a future is deleted once', () => {
  const claims = [claimOf('data-web-0', { deletionTimestamp: '2025-12-31T23:59:58Z' })]
  const spec = { podManagementPolicy: 'Parallel' as const, replicas: 1, volumeClaimTemplates: [dataTemplate] }
  const features = { maxUnavailable: true }
  expect(stepTexts(planPass(worldOf({ pods: 'p', spec, claims, features })))).toEqual(['delete web-0'])
})
