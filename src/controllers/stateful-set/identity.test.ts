import { expect, test } from 'vitest'
import { member, setOf } from './fixtures.ts'
import { hasIdentity, isInRange, newPod, parentAndOrdinalOf, withIdentity } from './identity.ts'

const template = {
  metadata: { labels: { app: 'web' }, annotations: { note: 'x' }, finalizers: ['example.com/hold'] },
  spec: { containers: [{ name: 'main', image: 'nginx' }], hostname: 'overwritten', subdomain: 'overwritten' },
}

const created = (set = setOf()) => newPod(set, { ordinal: 2, revision: 'web-7c44b75699', template })

test('I1, Y8: ordinals run from the start to start + replicas - 1', () => {
  const set = setOf({ replicas: 2, ordinals: { start: 5 } })
  expect([4, 5, 6, 7].map(ordinal => isInRange(set, ordinal))).toEqual([false, true, true, false])
  expect([0, 2, 3].map(ordinal => isInRange(setOf(), ordinal))).toEqual([true, true, false])
})

test.each([
  ['web-0', 'web', 0],
  ['a-b-12', 'a-b', 12],
  ['web-01', 'web', 1],
  ['web-2147483647', 'web', 2147483647],
  ['web-2147483648', 'web', -1],
  ['web', '', -1],
  ['web-', '', -1],
  ['web-x', '', -1],
])('I2: %s belongs to "%s" with ordinal %i', (name, parent, ordinal) => {
  expect(parentAndOrdinalOf(name)).toEqual({ parent, ordinal })
})

test('I3: a new Pod has the metadata of the template and the set as its controller', () => {
  expect(created().metadata).toMatchObject({
    name: 'web-2',
    generateName: 'web-',
    namespace: 'demo',
    annotations: { note: 'x' },
    finalizers: ['example.com/hold'],
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        name: 'web',
        uid: 'uid-of-web',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  })
})

test('I4: a new Pod is labelled with its name, its index and the full name of its revision', () => {
  expect(created().metadata.labels).toEqual({
    app: 'web',
    'statefulset.kubernetes.io/pod-name': 'web-2',
    'apps.kubernetes.io/pod-index': '2',
    'controller-revision-hash': 'web-7c44b75699',
  })
})

test('I5, Y9: hostname and subdomain are set at creation over what the template says', () => {
  expect(created().spec).toMatchObject({ hostname: 'web-2', subdomain: 'nginx' })
  expect(created(setOf({ serviceName: '' })).spec).not.toHaveProperty('subdomain')
})

test('I7, I8: only the name label decides whether a Pod still says who it is', () => {
  const set = setOf()
  const pod = member(set, 1, 'a')
  const labelled = (labels: Record<string, string>) => ({ ...pod, metadata: { ...pod.metadata, labels } })
  const { 'apps.kubernetes.io/pod-index': _, ...withoutIndex } = pod.metadata.labels!
  expect(hasIdentity(set, pod)).toBe(true)
  expect(hasIdentity(set, labelled(withoutIndex))).toBe(true)
  expect(hasIdentity(set, labelled({ ...withoutIndex, 'statefulset.kubernetes.io/pod-name': 'web-9' }))).toBe(false)
})

test('I2, I8: a name with leading zeros is not canonical', () => {
  const pod = member(setOf(), 1, 'a')
  const name = 'web-01'
  const labels = { 'statefulset.kubernetes.io/pod-name': name }
  expect(hasIdentity(setOf(), { ...pod, metadata: { ...pod.metadata, name, labels } })).toBe(false)
})

test('I8: repairing writes both identity labels and keeps the others', () => {
  const pod = member(setOf(), 1, 'a')
  const broken = { ...pod, metadata: { ...pod.metadata, labels: { app: 'web', mine: 'x' } } }
  expect(withIdentity(broken).metadata.labels).toEqual({
    app: 'web',
    mine: 'x',
    'statefulset.kubernetes.io/pod-name': 'web-1',
    'apps.kubernetes.io/pod-index': '1',
  })
})
