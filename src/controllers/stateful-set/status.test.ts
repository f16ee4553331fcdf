import { expect, test } from 'vitest'
import { member, setOf, type WorldTraits, worldOf } from './fixtures.ts'
import { isStatusNews, statusOf, withProgressing } from './status.ts'

const statusFor = (traits: WorldTraits, outdatedDeletions = 0) =>
  statusOf({ world: worldOf(traits), collisionCount: 0, outdatedDeletions })

test('F15, T7, W1: the first status has no Pods, both revisions and the count of collisions', () => {
  expect(statusFor({ pods: '' })).toEqual({
    observedGeneration: 1,
    replicas: 0,
    availableReplicas: 0,
    currentRevision: 'web-old',
    updateRevision: 'web-new',
    collisionCount: 0,
  })
})

test('T1, T3, T4, T5: terminating, ended and condemned Pods are counted', () => {
  expect(statusFor({ pods: 'atfA', spec: { replicas: 2 } })).toMatchObject({
    replicas: 4,
    readyReplicas: 3,
    availableReplicas: 3,
  })
})

test('T3: a Pod without a phase is not counted yet', () => {
  const set = setOf()
  const pod = { ...member(set, 0, 'a'), status: {} }
  expect(statusFor({ members: [pod] }).replicas).toBe(0)
})

test('T5, Y4, B11: available means ready for minReadySeconds', () => {
  const set = setOf({ replicas: 4 })
  const justReady = { readySince: '2026-01-01T00:59:59Z' }
  const longReady = { readySince: '2025-12-31T23:00:00Z' }
  const members = [
    member(set, 0, 'u'),
    member(set, 1, 'a', justReady),
    member(set, 2, 'a', longReady),
    member(set, 3, 'a', longReady),
  ]
  expect(statusFor({ members, spec: { replicas: 4, minReadySeconds: 3600 } })).toMatchObject({
    replicas: 4,
    readyReplicas: 3,
    availableReplicas: 2,
  })
})

test('T6, T13, B4: Pods deleted for the update no longer count as current, at once', () => {
  const status = statusFor({ pods: 'aaa' }, 1)
  expect(status).toMatchObject({ replicas: 3, readyReplicas: 3, currentReplicas: 2 })
  expect(status).not.toHaveProperty('updatedReplicas')
})

test('T6: terminating Pods count for no revision', () => {
  expect(statusFor({ pods: 'aAt' })).toMatchObject({ currentReplicas: 1, updatedReplicas: 1, replicas: 3 })
})

test.each(['RollingUpdate', 'OnDelete'] as const)(
  'T8, B3, B10: when all are new and ready the update is complete (%s)',
  type => {
    expect(statusFor({ pods: 'AAA', spec: { updateStrategy: { type } } })).toMatchObject({
      currentReplicas: 3,
      currentRevision: 'web-new',
    })
    expect(statusFor({ pods: 'AAU', spec: { updateStrategy: { type } } })).toMatchObject({ currentRevision: 'web-old' })
  },
)

test('T9, #121534: with old Pods below the partition the update never completes, at zero replicas it does', () => {
  const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { partition: 1 } }
  expect(statusFor({ pods: 'aAA', spec: { updateStrategy } }).currentRevision).toBe('web-old')
  expect(statusFor({ pods: '', spec: { updateStrategy, replicas: 0 } }).currentRevision).toBe('web-new')
})

test('T10, B23: a status is written for a newer generation, another counter, or another condition of ours', () => {
  const have = statusFor({ pods: 'AAA' })
  expect(isStatusNews(have, have)).toBe(false)
  expect(isStatusNews(have, { ...have, observedGeneration: 2 })).toBe(true)
  expect(isStatusNews(have, { ...have, observedGeneration: 0 })).toBe(false)
  expect(isStatusNews(have, { ...have, readyReplicas: 2 })).toBe(true)
  expect(isStatusNews(have, { ...have, collisionCount: 4 })).toBe(false)
  const conditions = withProgressing(have, { status: 'True', reason: 'Complete', message: 'm' }, 'now')
  expect(isStatusNews(have, { ...have, conditions })).toBe(true)
})

test('T11, B24: conditions of others stay, ours keeps its time while its status stays', () => {
  const other = { type: 'StatusUpdate', status: 'True', reason: 'E2E' }
  const first = withProgressing({ replicas: 0, conditions: [other] }, { status: 'False', reason: 'A' }, 't1')
  const second = withProgressing({ replicas: 0, conditions: first }, { status: 'False', reason: 'B' }, 't2')
  const third = withProgressing({ replicas: 0, conditions: second }, { status: 'True', reason: 'C' }, 't3')
  expect(second).toEqual([other, { type: 'Progressing', status: 'False', reason: 'B', lastTransitionTime: 't1' }])
  expect(third.at(-1)).toMatchObject({ status: 'True', lastTransitionTime: 't3' })
})
