import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endpoint, headlessObject, serviceObject, sliceObject } from '../../../test/network/objects.ts'
import type { Service } from '../../api/core-v1/types.ts'
import type { Endpoint } from '../../api/discovery-v1/types.ts'
import { type Backend, backendsOf, stableOrder } from './backends.ts'
import { type ServiceRules, serviceRules } from './service-rules.ts'

const context = { nodeName: 'here', clusterPodRange: '10.244.0.0/16', idOf: () => 1 }
const here = (address: string, conditions?: Endpoint['conditions']): Endpoint => ({
  ...endpoint(address, undefined, conditions),
  nodeName: 'here',
})
const there = (address: string, conditions?: Endpoint['conditions']): Endpoint => ({
  ...endpoint(address, undefined, conditions),
  nodeName: 'there',
})

const plan = (spec: Service['spec'], endpoints: readonly Endpoint[], rest: Partial<Service> = {}): ServiceRules =>
  serviceRules(
    {
      ...serviceObject('web', { spec: { clusterIP: '10.96.0.1', ports: [{ name: 'web', port: 80 }], ...spec } }),
      ...rest,
    },
    [sliceObject('web', endpoints)],
    context,
  )

const elements = ({ elements: list }: ServiceRules): string[] =>
  list.map(({ set, key, value }) => `${set}: ${key}${value ? ` → ${value}` : ''}`)

test('a cluster address leads to a draw among its endpoints', () => {
  expect(elements(plan({}, [there('10.244.0.1'), here('10.244.0.2')]))).toEqual([
    'hairpin: 10.244.0.2 . 10.244.0.2',
    'services: 10.96.0.1 . tcp . 80 → goto pick-2',
    'endpoints: 10.96.0.1 . tcp . 80 . 0 → 10.244.0.1 . 8080',
    'endpoints: 10.96.0.1 . tcp . 80 . 1 → 10.244.0.2 . 8080',
  ])
})

test('without endpoints it is refused', () => {
  expect(elements(plan({}, [there('10.244.0.1', { ready: false })]))).toEqual([
    'refused: 10.96.0.1 . tcp . 80 → goto refuse',
  ])
})

test('headless Services and external names need no rules', () => {
  const slices = [sliceObject('web', [there('10.244.0.1')])]
  expect(elements(serviceRules(headlessObject('web'), slices, context))).toEqual([])
  expect(elements(plan({ type: 'ExternalName', externalName: 'x.test' }, []))).toEqual([])
})

test('a Service whose endpoint is its own address is left to the machine that holds the address', () => {
  const dns = serviceObject('kube-dns', {
    spec: { clusterIP: '10.96.0.10', ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] },
  })
  const slice = sliceObject('kube-dns', [endpoint('10.96.0.10')], {
    ports: [{ name: 'dns', port: 53, protocol: 'UDP' }],
  })
  expect(elements(serviceRules(dns, [slice], context))).toEqual([])
})

test('unready Pods are used when the Service publishes them, but not once they end', () => {
  const unready = there('10.244.0.1', { ready: false, serving: false, terminating: false })
  const ending = there('10.244.0.2', { ready: false, serving: false, terminating: true })
  expect(elements(plan({ publishNotReadyAddresses: true }, [unready, ending]))).toContain(
    'services: 10.96.0.1 . tcp . 80 → goto pick-1',
  )
})

test('ports are matched by name and protocol', () => {
  const service = serviceObject('web', {
    spec: {
      clusterIP: '10.96.0.1',
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2 },
        { name: 'a', port: 3, protocol: 'UDP' },
      ],
    },
  })
  const slice = sliceObject('web', [there('10.244.0.1')], {
    ports: [
      { name: 'a', port: 1111 },
      { name: 'b', port: 2222 },
    ],
  })
  expect(elements(serviceRules(service, [slice], context))).toEqual([
    'services: 10.96.0.1 . tcp . 1 → goto pick-1',
    'endpoints: 10.96.0.1 . tcp . 1 . 0 → 10.244.0.1 . 1111',
    'services: 10.96.0.1 . tcp . 2 → goto pick-1',
    'endpoints: 10.96.0.1 . tcp . 2 . 0 → 10.244.0.1 . 2222',
    'refused: 10.96.0.1 . udp . 3 → goto refuse',
  ])
})

test('outside of the cluster the policy Local takes only Pods of this machine, and says nothing where there is none', () => {
  const spec = {
    type: 'NodePort',
    externalTrafficPolicy: 'Local',
    ports: [{ name: 'web', port: 80, nodePort: 30_080 }],
  } as const
  expect(
    plan(spec, [there('10.244.0.1')])
      .chains.get('outside-1')
      ?.at(-1),
  ).toBe('drop')
  expect(
    plan(spec, [there('10.244.0.1'), here('10.244.0.2')])
      .chains.get('outside-1')
      ?.at(-1),
  ).toContain('10.244.0.2:8080')
})

const backend = fc.record({ address: fc.ipV4(), port: fc.integer({ min: 1, max: 3 }) })
const backends = fc.uniqueArray(backend, { maxLength: 30, selector: ({ address, port }) => `${address} ${port}` })

test('a new order holds exactly what is wanted, and what stays within bounds keeps its number', () => {
  fc.assert(
    fc.property(backends, backends, fc.integer(), (previous, others, seed) => {
      const wanted: Backend[] = [...previous.filter((_, index) => (index * 7 + seed) % 3 !== 0), ...others.slice(0, 5)]
      const distinct = [...new Map(wanted.map(item => [`${item.address} ${item.port}`, item])).values()]
      const order = stableOrder(previous, distinct)
      const text = (list: readonly Backend[]): string[] => list.map(({ address, port }) => `${address} ${port}`)
      expect(text(order).sort()).toEqual(text(distinct).sort())
      for (const [index, kept] of previous.entries()) {
        if (index < distinct.length && text(distinct).includes(text([kept])[0]!))
          expect(text(order)[index]).toBe(text([kept])[0])
      }
    }),
  )
})

test('Pods that end are the last resort, decided apart for this machine', () => {
  const service = serviceObject('web')
  const ending = { ready: false, serving: true, terminating: true }
  const found = backendsOf(
    service,
    service.spec.ports![0]!,
    [sliceObject('web', [there('10.244.0.1'), here('10.244.0.2', ending)])],
    'here',
  )
  expect(found.all.map(({ address }) => address)).toEqual(['10.244.0.1'])
  expect(found.local.map(({ address }) => address)).toEqual(['10.244.0.2'])
})
