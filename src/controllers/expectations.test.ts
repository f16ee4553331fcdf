import { expect, test } from 'vitest'
import type { ConfigMap } from '../api/core-v1/types.ts'
import { ConfigMap as ConfigMapKind } from '../api/core-v1/types.ts'
import type { Client } from '../client/client.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import { notFound } from '../machinery/status.ts'
import { Expectations, hasReached } from './expectations.ts'

const owner = { namespace: 'demo', name: 'web' }
const child = (resourceVersion: string, more: object = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'demo', name: 'child', uid: 'u1', resourceVersion, creationTimestamp: '', ...more },
})

function world(client: Partial<Client>, cache: { resourceVersion: string; object?: ConfigMap }) {
  const informer = {
    get resourceVersion() {
      return cache.resourceVersion
    },
    get: () => cache.object,
  } as unknown as Informer<ConfigMap>
  const informers = { informer: () => informer } as unknown as InformerFactory
  return new Expectations({ client: client as Client, informers })
}

test('a created child is expected until the cache has reached its revision', async () => {
  const cache = { resourceVersion: '99' }
  const expectations = world({ create: async () => child('100') as never }, cache)
  await expectations.create(owner, ConfigMapKind, child(''))
  expect(await expectations.areMet(owner)).toBe(false)
  expect(await expectations.areMet({ namespace: 'demo', name: 'other' })).toBe(true)
  cache.resourceVersion = '100'
  expect(await expectations.areMet(owner)).toBe(true)
})

test('a deleted child is expected until the cache shows it terminating, gone or replaced', async () => {
  const object = child('5')
  const cache: { resourceVersion: string; object?: ConfigMap } = { resourceVersion: '5', object }
  const expectations = world({ delete: async () => {} }, cache)
  await expectations.delete(owner, ConfigMapKind, object)
  expect(await expectations.areMet(owner)).toBe(false)
  cache.object = child('6', { deletionTimestamp: '2026-01-01T00:00:00Z' })
  expect(await expectations.areMet(owner)).toBe(true)
})

test('a create of unknown outcome is looked up before anything else is decided', async () => {
  const cache = { resourceVersion: '99' }
  const broken = async (): Promise<never> => {
    throw new Error('connection reset')
  }
  const expectations = world({ create: broken, find: async () => child('100') as never }, cache)
  await expect(expectations.create(owner, ConfigMapKind, child(''))).rejects.toThrow('connection reset')
  expect(await expectations.areMet(owner)).toBe(false)
  cache.resourceVersion = '101'
  expect(await expectations.areMet(owner)).toBe(true)
})

test('a create of unknown outcome that did not happen is forgotten', async () => {
  const broken = async (): Promise<never> => {
    throw new Error('connection reset')
  }
  const expectations = world({ create: broken, find: async () => undefined }, { resourceVersion: '99' })
  await expect(expectations.create(owner, ConfigMapKind, child(''))).rejects.toThrow()
  expect(await expectations.areMet(owner)).toBe(true)
})

test('deleting what is gone already counts as done', async () => {
  const gone = async (): Promise<never> => {
    throw notFound({ group: '', resource: 'configmaps' }, 'child')
  }
  const expectations = world({ delete: gone }, { resourceVersion: '5' })
  await expectations.delete(owner, ConfigMapKind, child('5'))
  expect(await expectations.areMet(owner)).toBe(true)
})

test('revisions are compared as numbers', () => {
  expect(hasReached('100', '99')).toBe(true)
  expect(hasReached('99', '100')).toBe(false)
  expect(hasReached('100', '100')).toBe(true)
})
