import { expect, test } from 'vitest'
import { nodeObject, type ServiceOptions, serviceObject } from '../../test/network/objects.ts'
import type { Service } from '../api/core-v1/types.ts'
import { statusUpdates } from './load-balancer-status.ts'

const nodes = [nodeObject('b', { address: '192.0.2.2' }), nodeObject('a', { address: '192.0.2.1' })]
const balanced = (name: string, options: ServiceOptions = {}): Service =>
  serviceObject(name, { ...options, spec: { type: 'LoadBalancer', ...options.spec } })
const updates = (services: readonly Service[], reserved: readonly number[] = []): Record<string, readonly string[]> =>
  Object.fromEntries(
    statusUpdates(services, nodes, reserved).map(({ service, addresses }) => [service.metadata.name, addresses]),
  )
const given = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }] } }

test('a load balancer gets the addresses of the machines', () => {
  expect(updates([balanced('web')])).toEqual({ web: ['192.0.2.1', '192.0.2.2'] })
  expect(updates([balanced('web', { status: given })])).toEqual({})
})

test('one that is none any more loses them', () => {
  expect(updates([serviceObject('web', { status: given })])).toEqual({ web: [] })
})

test('a port goes to the first that asks, and never to one that the machines need', () => {
  expect(updates([balanced('b'), balanced('a')])).toEqual({ a: ['192.0.2.1', '192.0.2.2'] })
  expect(updates([balanced('api', { spec: { ports: [{ port: 6443 }] } })], [6443])).toEqual({})
  expect(updates([balanced('api', { spec: { ports: [{ port: 6443, protocol: 'UDP' }] } })], [6443])).toHaveProperty(
    'api',
  )
})

test('one of another class is left to others', () => {
  expect(updates([balanced('web', { spec: { loadBalancerClass: 'example.com/other' } })])).toEqual({})
})
