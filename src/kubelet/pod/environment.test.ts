import { expect, test } from 'vitest'
import type { ConfigMap, Pod, Secret, Service } from '../../api/core-v1/types.ts'
import { environmentOf, type ReferencedObjects, serviceVariablesOf } from './environment.ts'
import { expanded } from './expansion.ts'

const metadata = { namespace: 'default', name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '' }
const objects: ReferencedObjects = {
  configMap: async (_, name) =>
    name === 'settings'
      ? ({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { color: 'red' } } satisfies ConfigMap)
      : undefined,
  secret: async (_, name) =>
    name === 'keys'
      ? ({ apiVersion: 'v1', kind: 'Secret', metadata, data: { key: 'czNjcmV0' } } satisfies Secret)
      : undefined,
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...metadata, name: 'db-0', labels: { 'apps.kubernetes.io/pod-index': '0' } },
  spec: { containers: [] },
  status: {},
} satisfies Pod

const allocatable = { cpu: '4', memory: '1Gi', ephemeralStorage: '10Gi' }
const base = {
  pod,
  nodeName: 'node1',
  podAddresses: ['10.0.0.5'],
  hostAddresses: ['192.0.2.1'],
  allocatable,
  objects,
  services: [],
}

const environment = async (container: object): Promise<Record<string, string>> => {
  const variables = await environmentOf({ ...base, container: { name: 'main', ...container } })
  return Object.fromEntries(variables.map(({ name, value }) => [name, value]))
}

test('variables come from fields, limits, ConfigMaps and Secrets, and may use those before them', async () => {
  const env = [
    { name: 'ORDINAL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } } },
    { name: 'ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: 'MEMORY_MI', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
    { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
    { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } },
    { name: 'NAME', value: 'member-$(ORDINAL) $$(ORDINAL) $(UNKNOWN)' },
  ]
  expect(await environment({ env })).toEqual({
    ORDINAL: '0',
    ADDRESS: '10.0.0.5',
    MEMORY_MI: '1024',
    COLOR: 'red',
    KEY: 's3cret',
    NAME: 'member-0 $(ORDINAL) $(UNKNOWN)',
  })
})

test('what is missing is named unless it is optional', async () => {
  const from = (name: string, optional: boolean): object => ({
    env: [{ name: 'X', valueFrom: { configMapKeyRef: { name, key: 'size', optional } } }],
  })
  await expect(environment(from('nowhere', false))).rejects.toThrow('configmap "nowhere" not found')
  await expect(environment(from('settings', false))).rejects.toThrow(
    "couldn't find key size in ConfigMap default/settings",
  )
  expect(await environment(from('nowhere', true))).toEqual({})
  await expect(environment({ envFrom: [{ secretRef: { name: 'nowhere' } }] })).rejects.toThrow(
    'secret "nowhere" not found',
  )
})

test('all keys of a source come with their prefix', async () => {
  expect(await environment({ envFrom: [{ prefix: 'APP_', configMapRef: { name: 'settings' } }] })).toEqual({
    APP_color: 'red',
  })
})

test('Services of the namespace are variables, headless ones are not', () => {
  const service = (name: string, spec: Service['spec']): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, name },
    spec,
    status: {},
  })
  const services = [
    service('redis-master', { clusterIP: '10.96.0.7', ports: [{ name: 'main', port: 6379 }] }),
    service('headless', { clusterIP: 'None', ports: [{ port: 80 }] }),
  ]
  expect(Object.fromEntries(serviceVariablesOf(pod, services))).toEqual({
    REDIS_MASTER_SERVICE_HOST: '10.96.0.7',
    REDIS_MASTER_SERVICE_PORT: '6379',
    REDIS_MASTER_SERVICE_PORT_MAIN: '6379',
    REDIS_MASTER_PORT: 'tcp://10.96.0.7:6379',
    REDIS_MASTER_PORT_6379_TCP: 'tcp://10.96.0.7:6379',
    REDIS_MASTER_PORT_6379_TCP_PROTO: 'tcp',
    REDIS_MASTER_PORT_6379_TCP_PORT: '6379',
    REDIS_MASTER_PORT_6379_TCP_ADDR: '10.96.0.7',
  })
})

test('a doubled dollar sign is one, whatever follows', () => {
  expect(expanded('$$(A) $$$(A) $(A) $(', new Map([['A', '1']]))).toBe('$(A) $1 1 $(')
})
