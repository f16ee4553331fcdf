import { expect, test } from 'vitest'
import { isStatusError } from '../../machinery/status.ts'
import { acceptedOf, discoveryShapeOf } from './accept.ts'

test.each([
  [undefined, 'application/json', 'Object'],
  [
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json',
    'application/json',
    'Table',
  ],
  ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', 'application/json', 'Object'],
  ['application/vnd.kubernetes.protobuf,application/json', 'application/json', 'Object'],
  ['application/vnd.kubernetes.protobuf, */*', 'application/json', 'Object'],
  ['application/json;q=0.1, application/yaml', 'application/yaml', 'Object'],
])('%s gives %s as %s', (header, mediaType, shape) => {
  expect(acceptedOf(header)).toMatchObject({ mediaType, shape })
})

test('what cannot be had is not acceptable', () => {
  expect(() => acceptedOf('application/vnd.kubernetes.protobuf')).toThrow(
    expect.toSatisfy(error => isStatusError(error, 'NotAcceptable')),
  )
})

test('discovery comes in the first form that is known', () => {
  const form = (v: string): string => `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`
  expect(discoveryShapeOf(`${form('v2')},${form('v2beta1')},application/json`)).toBe('v2')
  expect(discoveryShapeOf(`${form('v3')},${form('v2beta1')},application/json`)).toBe('v2beta1')
  expect(discoveryShapeOf('application/json')).toBe('plain')
})
