import { expect, test } from 'vitest'
import { deploymentOf, progressOf, replicaSetOf } from './deployment-fixtures.ts'
import { rolloutStatusOf, statusOf, untilTimedOutMs } from './status.ts'

const now = new Date('2026-01-01T00:10:00Z')
const summary = (status: ReturnType<typeof statusOf>) =>
  Object.fromEntries(
    (status.conditions ?? []).map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]),
  )

test('a Deployment is available with at least the wanted number less the unavailable ones', () => {
  const at = (available: number) => {
    const newest = replicaSetOf('web-1', { replicas: 10, available })
    return summary(statusOf(deploymentOf(), { newest, all: [newest], now })).Available
  }
  expect(at(8)).toBe('True MinimumReplicasAvailable: Deployment has minimum availability.')
  expect(at(7)).toBe('False MinimumReplicasUnavailable: Deployment does not have minimum availability.')
})

test('counts leave out what is zero', () => {
  const newest = replicaSetOf('web-1', { replicas: 10 })
  const { conditions: _, ...counts } = statusOf(deploymentOf(), { newest, all: [newest], now })
  expect(counts).toEqual({
    observedGeneration: 1,
    replicas: 10,
    updatedReplicas: 10,
    readyReplicas: 10,
    availableReplicas: 10,
    terminatingReplicas: 0,
  })
})

test('a rollout progresses, then completes, and says which ReplicaSet did', () => {
  const started = { conditions: [progressOf('NewReplicaSetCreated', '2026-01-01T00:09:00Z')] }
  const half = replicaSetOf('web-1', { replicas: 10, available: 5 })
  const first = rolloutStatusOf(deploymentOf({}, started), { newest: half, all: [half], now })
  expect(summary(first).Progressing).toBe('True ReplicaSetUpdated: ReplicaSet "web-1" is progressing.')
  const full = replicaSetOf('web-1', { replicas: 10 })
  const second = rolloutStatusOf(deploymentOf({}, first), { newest: full, all: [full], now })
  expect(summary(second).Progressing).toBe(
    'True NewReplicaSetAvailable: ReplicaSet "web-1" has successfully progressed.',
  )
})

test('a rollout that stands still past its deadline has timed out, and stays so', () => {
  const newest = replicaSetOf('web-1', { replicas: 10, available: 5 })
  const counts = { replicas: 10, updatedReplicas: 10, readyReplicas: 5, availableReplicas: 5, observedGeneration: 1 }
  const stuck = { ...counts, conditions: [progressOf('ReplicaSetUpdated', '2026-01-01T00:00:00Z')] }
  const status = rolloutStatusOf(deploymentOf({}, stuck), { newest, all: [newest], now })
  expect(summary(status).Progressing).toBe(
    'False ProgressDeadlineExceeded: ReplicaSet "web-1" has timed out progressing.',
  )
  expect(rolloutStatusOf(deploymentOf({}, status), { newest, all: [newest], now })).toEqual(status)
})

test('a deadline runs only while a rollout is under way', () => {
  const at = (reason: string) =>
    untilTimedOutMs(deploymentOf({}, { conditions: [progressOf(reason, '2026-01-01T00:09:00Z')] }), now)
  expect(at('ReplicaSetUpdated')).toBe(540_000)
  expect(at('NewReplicaSetAvailable')).toBeUndefined()
  expect(at('ProgressDeadlineExceeded')).toBe(0)
})

test('what keeps a ReplicaSet from making Pods is told by the Deployment', () => {
  const set = replicaSetOf('web-1', { replicas: 10, available: 0 })
  const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota exceeded' }]
  const failing = { ...set, status: { ...set.status, conditions } }
  const status = rolloutStatusOf(deploymentOf(), { newest: failing, all: [failing], now })
  expect(summary(status).ReplicaFailure).toBe('True FailedCreate: quota exceeded')
})
