import { expect, test } from 'vitest'
import { featureGatesFrom, isFeatureEnabled } from './feature-gates.ts'

test('a gate that nobody named is as Kubernetes has it', () => {
  expect(isFeatureEnabled({}, 'MaxUnavailableStatefulSet')).toBe(true)
  expect(isFeatureEnabled({}, 'StatefulSetRecreateStrategy')).toBe(false)
})

test('the last word about a gate counts', () => {
  const gates = featureGatesFrom([
    'StatefulSetRecreateStrategy=true',
    'MaxUnavailableStatefulSet=true',
    'MaxUnavailableStatefulSet=false',
  ])
  expect(gates).toEqual({ StatefulSetRecreateStrategy: true, MaxUnavailableStatefulSet: false })
})
