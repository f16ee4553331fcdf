import { expect, test } from 'vitest'
import type { Endpoints } from '../../api/core-v1/types.ts'
import { metaOf, serviceOf } from '../fixtures.ts'
import { isMirrored, mirroredGroups } from './mirrored-groups.ts'

const endpoints = (more: Partial<Endpoints> = {}): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: metaOf('db') as Endpoints['metadata'],
  ...more,
})
const byHand = serviceOf('db', { selector: {} })

test('only Endpoints of a Service without selector are mirrored, unless they say no', () => {
  expect(isMirrored(endpoints(), byHand)).toBe(true)
  expect(isMirrored(endpoints(), serviceOf('db'))).toBe(false)
  expect(isMirrored(endpoints(), undefined)).toBe(false)
  const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }
  expect(isMirrored(endpoints({ metadata: { ...endpoints().metadata, labels } }), byHand)).toBe(false)
})

test('addresses become endpoints of their family, ready or not, with the ports of their subset', () => {
  const subsets = [
    {
      addresses: [{ ip: '192.0.2.1', hostname: 'a' }, { ip: '2001:db8::1' }],
      notReadyAddresses: [{ ip: '192.0.2.2' }],
      ports: [{ port: 5432 }],
    },
  ]
  expect(mirroredGroups(endpoints({ subsets }))).toEqual([
    {
      addressType: 'IPv4',
      ports: [{ name: '', port: 5432, protocol: 'TCP' }],
      endpoints: [
        { addresses: ['192.0.2.1'], conditions: { ready: true }, hostname: 'a' },
        { addresses: ['192.0.2.2'], conditions: { ready: false } },
      ],
    },
    {
      addressType: 'IPv6',
      ports: [{ name: '', port: 5432, protocol: 'TCP' }],
      endpoints: [{ addresses: ['2001:db8::1'], conditions: { ready: true } }],
    },
  ])
})
