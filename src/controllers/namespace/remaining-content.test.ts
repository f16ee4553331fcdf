import { expect, test } from 'vitest'
import { ConfigMap, type Namespace, PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import { metaOf, podOf } from '../fixtures.ts'
import { conditionsOf, isEmpty, type Survey } from './remaining-content.ts'

const now = new Date('2026-01-01T00:00:10Z')
const { namespace: _, ...metadata } = metaOf('demo')
const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata, spec: {}, status: {} }
const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: metaOf('data', { finalizers: ['kubernetes.io/pvc-protection'] }),
}
const survey: Survey = {
  remaining: [
    { kind: Pod as Kind, objects: [podOf('a'), podOf('b')] },
    { kind: PersistentVolumeClaim as Kind, objects: [claim] },
    { kind: ConfigMap as Kind, objects: [] },
  ],
  failures: [],
}

test('the conditions count what remains and name the finalizers that hold it', () => {
  const messages = conditionsOf(namespace, survey, now).filter(({ status }) => status === 'True')
  expect(messages.map(({ type, reason, message }) => [type, reason, message])).toEqual([
    [
      'NamespaceContentRemaining',
      'SomeResourcesRemain',
      'Some resources are remaining: persistentvolumeclaims. has 1 resource instances, pods. has 2 resource instances',
    ],
    [
      'NamespaceFinalizersRemaining',
      'SomeFinalizersRemain',
      'Some content in the namespace has finalizers remaining: kubernetes.io/pvc-protection in 1 resource instances',
    ],
  ])
})

test('a condition that stays keeps the time of its change', () => {
  const conditions = conditionsOf(namespace, survey, now)
  const later = conditionsOf({ ...namespace, status: { conditions } }, survey, new Date('2026-01-01T01:00:00Z'))
  expect(later).toEqual(conditions)
})

test('a failure is told, and keeps the namespace from being empty', () => {
  const failed: Survey = { remaining: [], failures: [new Error('not allowed')] }
  expect(isEmpty(failed)).toBe(false)
  const condition = conditionsOf(namespace, failed, now).find(({ type }) => type === 'NamespaceDeletionContentFailure')
  expect(condition).toMatchObject({
    status: 'True',
    message: 'Failed to delete all resource types, 1 remaining: not allowed',
  })
})
