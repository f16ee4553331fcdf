import { expect, test } from 'vitest'
import { podOf, serviceOf } from '../fixtures.ts'
import { ADDRESSES_MAX, subsetsOf } from './subsets.ts'

const ports = [{ name: 'web', port: 80, protocol: 'TCP' }]

test('ready and unready addresses with the same ports share one subset', () => {
  const pods = [podOf('b', { ip: '10.244.0.2' }), podOf('a', { ip: '10.244.0.1', isReady: false })]
  expect(subsetsOf(serviceOf('nginx'), pods).subsets).toMatchObject([
    { addresses: [{ ip: '10.244.0.2' }], notReadyAddresses: [{ ip: '10.244.0.1' }], ports },
  ])
})

test('unready and terminating Pods count as ready when the Service publishes unready addresses', () => {
  const pods = [podOf('a', { ip: '10.244.0.1', isReady: false }), podOf('b', { ip: '10.244.0.2', isTerminating: true })]
  const [subset] = subsetsOf(serviceOf('nginx', { publishNotReadyAddresses: true }), pods).subsets
  expect(subset?.addresses?.map(({ ip }) => ip)).toEqual(['10.244.0.1', '10.244.0.2'])
  expect(subsetsOf(serviceOf('nginx'), pods.slice(1)).subsets).toEqual([])
})

test('a headless Service without ports has a subset without ports', () => {
  const { subsets } = subsetsOf(serviceOf('nginx', { ports: [] }), [podOf('a', { ip: '10.244.0.1' })])
  expect(subsets).toMatchObject([{ addresses: [{ ip: '10.244.0.1' }] }])
  expect(subsets[0]).not.toHaveProperty('ports')
})

test('above a thousand addresses unready ones are left out first', () => {
  const pods = Array.from({ length: ADDRESSES_MAX + 1 }, (_, at) =>
    podOf(`p${at}`, { ip: `10.244.${at >> 8}.${at & 255}`, isReady: at !== 0 }),
  )
  const { subsets, isTruncated } = subsetsOf(serviceOf('nginx'), pods)
  expect(isTruncated).toBe(true)
  expect(subsets[0]?.addresses).toHaveLength(ADDRESSES_MAX)
  expect(subsets[0]?.notReadyAddresses).toBeUndefined()
})
