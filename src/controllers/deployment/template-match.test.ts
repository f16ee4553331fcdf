import { expect, test } from 'vitest'
import { deploymentOf, replicaSetOf } from './deployment-fixtures.ts'
import { annotationsOfNewest, REVISION, REVISION_HISTORY } from './replica-set-annotations.ts'
import { isSameTemplate, newestOf, POD_TEMPLATE_HASH, podTemplateHashOf } from './template-match.ts'

test('a template is the same with and without its hash', () => {
  const { template } = deploymentOf().spec
  const labels = { ...template.metadata?.labels, [POD_TEMPLATE_HASH]: 'abc' }
  expect(isSameTemplate(template, { ...template, metadata: { labels } })).toBe(true)
})

test('of several ReplicaSets with the template the one made first is the newest', () => {
  const first = replicaSetOf('b', { replicas: 1, image: 'nginx:2' })
  const second = replicaSetOf('a', { replicas: 1, image: 'nginx:2', createdAt: '2026-01-01T00:00:01Z' })
  expect(newestOf(deploymentOf(), [second, first, replicaSetOf('old', { replicas: 1 })])).toBe(first)
})

test('a collision changes the hash', () => {
  expect(podTemplateHashOf(deploymentOf())).toBe(podTemplateHashOf(deploymentOf()))
  expect(podTemplateHashOf(deploymentOf({}, { collisionCount: 1 }))).not.toBe(podTemplateHashOf(deploymentOf()))
})

test('a ReplicaSet that is rolled back to remembers the revisions that it had', () => {
  const set = replicaSetOf('web-1', { replicas: 0 })
  const existing = { ...set, metadata: { ...set.metadata, annotations: { [REVISION]: '1' } } }
  const annotations = { 'kubernetes.io/change-cause': 'undo', [REVISION]: '2' }
  const deployment = { ...deploymentOf(), metadata: { ...deploymentOf().metadata, annotations } }
  expect(annotationsOfNewest(deployment, { existing, revision: 3, withSize: false })).toEqual({
    'kubernetes.io/change-cause': 'undo',
    [REVISION]: '3',
    [REVISION_HISTORY]: '1',
  })
})
