import { expect, test } from 'vitest'
import { defaultFeatures, featuresFrom } from './features.ts'

test('gates that are not named are as Kubernetes has them', () => {
  expect(featuresFrom({ SomethingElse: true })).toEqual(defaultFeatures)
})

test('named gates count', () => {
  const gates = { MaxUnavailableStatefulSet: false, StatefulSetRecreateStrategy: true }
  expect(featuresFrom(gates)).toEqual({ maxUnavailable: false, recreate: true })
})
