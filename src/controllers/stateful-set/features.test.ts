import { expect, test } from 'vitest'
import { featuresFrom } from './features.ts'

test('gates that are not named are as Kubernetes has them', () => {
  expect(featuresFrom({})).toEqual({ maxUnavailable: true, recreate: false })
})

test('named gates count', () => {
  const gates = { MaxUnavailableStatefulSet: false, StatefulSetRecreateStrategy: true }
  expect(featuresFrom(gates)).toEqual({ maxUnavailable: false, recreate: true })
})
