import { expect, test } from 'vitest'
import { isOnEtcd, storeUrlOf } from './store-url.ts'

const none = { store: undefined, storeCa: undefined, storeCert: undefined, storeKey: undefined }

test('without a word the store lies below the data directory', () => {
  expect(storeUrlOf(none, '/var/lib/hold fast/store')).toBe('lmdb:///var/lib/hold%20fast/store')
})

test('the files for TLS go with the address of etcd', () => {
  const files = { storeCa: '/etc/ca.pem', storeCert: '/etc/a.pem', storeKey: '/etc/a.key' }
  const url = 'etcds://10.0.0.1:2379/p?ca=%2Fetc%2Fca.pem&cert=%2Fetc%2Fa.pem&key=%2Fetc%2Fa.key'
  expect(storeUrlOf({ store: 'etcd://10.0.0.1:2379/p', ...files }, '/x')).toBe(url)
  expect(storeUrlOf({ store: 'etcds://10.0.0.1:2379/p', ...files }, '/x')).toBe(url)
})

test('files for TLS without an etcd, or a certificate without its key, are refused', () => {
  expect(() => storeUrlOf({ ...none, storeCa: '/ca' }, '/x')).toThrow('--store-ca is for etcd, and --store names none')
  expect(() => storeUrlOf({ ...none, store: 'etcd://a', storeCert: '/c' }, '/x')).toThrow('go together')
})

test('only etcd is shared by several servers', () => {
  expect(['etcd://a', 'etcds://a', 'memory:', undefined].map(store => isOnEtcd({ store }))).toEqual([
    true,
    true,
    false,
    false,
  ])
})
