import { expect, test } from 'vitest'
import { nodeOf, podOf, serviceOf } from '../fixtures.ts'
import { addressTypesOf, endpointOf, endpointPortsOf, zoneOf } from './endpoint.ts'

const service = serviceOf('nginx')
const inSlice = (pod: ReturnType<typeof podOf>, of = service) =>
  endpointOf(pod, { service: of, addressType: 'IPv4', zone: undefined })

test('a ready Pod is ready and serving; a terminating one serves but is not ready', () => {
  expect(inSlice(podOf('a', { ip: '10.244.0.1' }))?.conditions).toEqual({
    ready: true,
    serving: true,
    terminating: false,
  })
  expect(inSlice(podOf('a', { ip: '10.244.0.1', isTerminating: true }))?.conditions).toEqual({
    ready: false,
    serving: true,
    terminating: true,
  })
})

test('an unready Pod is ready for a Service that publishes unready addresses, by field or by annotation', () => {
  const pod = podOf('a', { ip: '10.244.0.1', isReady: false })
  const byField = serviceOf('nginx', { publishNotReadyAddresses: true })
  const annotations = { 'service.alpha.kubernetes.io/tolerate-unready-endpoints': 'true' }
  const byAnnotation = serviceOf('nginx', {}, { annotations })
  expect(inSlice(pod)?.conditions).toEqual({ ready: false, serving: false, terminating: false })
  expect(inSlice(pod, byField)?.conditions).toEqual({ ready: true, serving: false, terminating: false })
  expect(inSlice(pod, byAnnotation)?.conditions?.ready).toBe(true)
})

test('a Pod without an address and one that has ended are no endpoints', () => {
  expect(inSlice(podOf('a'))).toBeUndefined()
  expect(inSlice(podOf('a', { ip: '10.244.0.1', status: { phase: 'Failed' } }))).toBeUndefined()
})

test('a Pod is named only below the Service that its subdomain names', () => {
  const pod = podOf('web-0', { ip: '10.244.0.1', spec: { hostname: 'web-0', subdomain: 'nginx' } })
  expect(inSlice(pod)?.hostname).toBe('web-0')
  expect(inSlice(pod, serviceOf('other'))?.hostname).toBeUndefined()
})

test('an endpoint says which machine and zone it is in', () => {
  const node = nodeOf('node1', { meta: { labels: { 'topology.kubernetes.io/zone': 'a' } } })
  const pod = podOf('a', { ip: '10.244.0.1', spec: { nodeName: 'node1' } })
  expect(endpointOf(pod, { service, addressType: 'IPv4', zone: zoneOf(node) })).toMatchObject({
    nodeName: 'node1',
    zone: 'a',
    targetRef: { kind: 'Pod', name: 'a', namespace: 'demo', uid: 'uid-of-a' },
  })
})

test('a named target port is that of the container; a Pod without it goes without that port', () => {
  const named = serviceOf('nginx', { ports: [{ name: 'web', port: 80, targetPort: 'http' }] })
  const ports = [{ name: 'http', containerPort: 8080 }]
  const pod = podOf('a', { spec: { containers: [{ name: 'main', image: 'nginx', ports }] } })
  expect(endpointPortsOf(pod, named)).toEqual([{ name: 'web', port: 8080, protocol: 'TCP' }])
  expect(endpointPortsOf(podOf('b'), named)).toEqual([])
  expect(endpointPortsOf(podOf('b'), service)).toEqual([{ name: 'web', port: 80, protocol: 'TCP' }])
})

test('a Service publishes the families it has, and the one of its address when it says nothing', () => {
  expect(addressTypesOf(service)).toEqual(['IPv4'])
  expect(addressTypesOf(serviceOf('v6', { clusterIP: 'fd00::1' }))).toEqual(['IPv6'])
  expect(addressTypesOf(serviceOf('both', { ipFamilies: ['IPv4', 'IPv6'] }))).toEqual(['IPv4', 'IPv6'])
})
