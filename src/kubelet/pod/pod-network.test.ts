import { expect, test } from 'vitest'
import type { Pod } from '../../api/core-v1/types.ts'
import { hostnameOf, hostsFileOf, resolverOf } from './pod-network.ts'

const podOf = (spec: Partial<Pod['spec']>, name = 'web-0'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'demo', name, uid: 'u', resourceVersion: '1', creationTimestamp: '' },
  spec: { containers: [], ...spec },
  status: {},
})

const where = { nodeHostname: 'node1', clusterDomain: 'cluster.local' }
const machine = { servers: ['192.0.2.53'], searches: ['example.org'], options: ['timeout:1'] }
const resolver = (spec: Partial<Pod['spec']>): ReturnType<typeof resolverOf> =>
  resolverOf(podOf(spec), { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', machine })

test('the host name is that of the spec, else the Pod, cut to what a host name may have', () => {
  expect(hostnameOf(podOf({ hostname: 'db' }), where)).toBe('db')
  expect(hostnameOf(podOf({}), where)).toBe('web-0')
  expect(hostnameOf(podOf({}, `${'a'.repeat(62)}.b`), where)).toBe('a'.repeat(62))
  expect(hostnameOf(podOf({ hostNetwork: true }), where)).toBe('node1')
  const named = { subdomain: 'nginx', setHostnameAsFQDN: true }
  expect(hostnameOf(podOf(named), where)).toBe('web-0.nginx.demo.svc.cluster.local')
})

test('the hosts file names the Pod by its full and short name, and the aliases', () => {
  const text = hostsFileOf(podOf({ subdomain: 'nginx', hostAliases: [{ ip: '10.1.1.1', hostnames: ['a', 'b'] }] }), {
    addresses: ['10.244.0.5'],
    clusterDomain: 'cluster.local',
  })
  expect(text).toContain('10.244.0.5\tweb-0.nginx.demo.svc.cluster.local\tweb-0\n')
  expect(text).toContain('10.1.1.1\ta\tb\n')
})

test('the resolver follows dnsPolicy and is completed by dnsConfig', () => {
  const searches = ['demo.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.org']
  expect(resolver({})).toEqual({ servers: ['10.96.0.10'], searches, options: ['ndots:5'] })
  expect(resolver({ dnsPolicy: 'Default' })).toEqual(machine)
  expect(resolver({ hostNetwork: true })).toEqual(machine)
  expect(resolver({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }).servers).toEqual(['10.96.0.10'])
  const dnsConfig = {
    nameservers: ['1.1.1.1'],
    searches: ['x'],
    options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
  }
  expect(resolver({ dnsPolicy: 'None', dnsConfig })).toEqual({
    servers: ['1.1.1.1'],
    searches: ['x'],
    options: ['ndots:2', 'edns0'],
  })
})
