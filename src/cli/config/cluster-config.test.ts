import { expect, test } from 'vitest'
import { clusterConfigFrom } from './cluster-config.ts'

const sources = { flags: {}, environment: {} }

test('without a word from anyone the defaults of the documentation hold', () => {
  expect(clusterConfigFrom(sources)).toMatchObject({
    dataDir: '/var/lib/holdfast',
    port: 6443,
    podCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/12',
    clusterDns: '10.96.0.10',
    clusterDomain: 'cluster.local',
    nodes: 1,
    defaultStorage: true,
  })
})

test('a flag wins over the environment, the environment over the file', () => {
  const file = { path: 'holdfast.yaml', text: 'port: 1001\nnodes: 2\nclusterDomain: example.org\n' }
  const config = clusterConfigFrom({
    flags: { port: '1003' },
    environment: { HOLDFAST_PORT: '1002', HOLDFAST_NODES: '3' },
    file,
  })
  expect(config).toMatchObject({ port: 1003, nodes: 3, clusterDomain: 'example.org' })
})

test('lists come as repeated flags, comma-separated variables or YAML lists', () => {
  expect(clusterConfigFrom({ ...sources, flags: { name: ['a', 'b'] } }).name).toEqual(['a', 'b'])
  expect(clusterConfigFrom({ ...sources, environment: { HOLDFAST_NAME: 'a,b' } }).name).toEqual(['a', 'b'])
  expect(clusterConfigFrom({ ...sources, file: { path: 'f', text: 'name: [a, b]' } }).name).toEqual(['a', 'b'])
})

test('a mistyped key of the file is named with the nearest right one', () => {
  const file = { path: 'holdfast.yaml', text: 'podCird: 10.0.0.0/8' }
  expect(() => clusterConfigFrom({ ...sources, file })).toThrow('holdfast.yaml: there is no setting "podCird"')
  try {
    clusterConfigFrom({ ...sources, file })
  } catch (error) {
    expect(error).toMatchObject({ advice: 'Did you mean "podCidr"?' })
  }
})

test.each([
  [{ port: '0' }, '--port: "0" must be a port from 1 to 65535'],
  [{ nodes: 'many' }, '--nodes: "many" must be a number of machines from 1 to 50'],
  [{ podCidr: '10.1' }, '--pod-cidr: "10.1" must be an IPv4 range such as 10.244.0.0/16'],
  [
    { store: 'mysql://x' },
    '--store: "mysql://x" must be lmdb:///PATH, etcd://HOST:PORT[,HOST:PORT…][/PREFIX], the same with etcds://, or memory:',
  ],
  [{ defaultStorage: 'maybe' }, '--default-storage: "maybe" must be true or false'],
  [
    { featureGates: ['StatefulSetRecreateStrategie=true'] },
    '--feature-gates: "StatefulSetRecreateStrategie=true" names no feature gate, did you mean StatefulSetRecreateStrategy? (there are MaxUnavailableStatefulSet, StatefulSetRecreateStrategy)',
  ],
  [
    { featureGates: ['MaxUnavailableStatefulSet=true,Nonsense'] },
    '--feature-gates: "Nonsense" names no feature gate (there are',
  ],
  [
    { featureGates: ['StatefulSetRecreateStrategy'] },
    '--feature-gates: "StatefulSetRecreateStrategy" must be StatefulSetRecreateStrategy=true or StatefulSetRecreateStrategy=false',
  ],
])('%o is refused with the flag, the value and what would be right', (flags, message) => {
  expect(() => clusterConfigFrom({ ...sources, flags })).toThrow(message)
})

test('all settings, written down as JSON, read back as the same settings', () => {
  const config = clusterConfigFrom(sources)
  const file = { path: 'config.json', text: JSON.stringify(config) }
  expect(clusterConfigFrom({ ...sources, file })).toEqual(config)
})
