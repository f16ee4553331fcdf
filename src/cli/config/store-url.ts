import { pathToFileURL } from 'node:url'
import { CommandError } from '../terminal.ts'
import type { ClusterConfig } from './settings.ts'

type StoreSettings = Pick<ClusterConfig, 'store' | 'storeCa' | 'storeCert' | 'storeKey'>

/** Where the objects are, as `openStore` reads it: the store of the data directory unless another is named. */
export function storeUrlOf({ store, storeCa, storeCert, storeKey }: StoreSettings, ownDirectory: string): string {
  const files = { ca: storeCa, cert: storeCert, key: storeKey }
  const given = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined)
  if (given.length === 0) return store ?? `lmdb://${pathToFileURL(ownDirectory).pathname}`
  if (!store || !isOnEtcd({ store })) {
    throw new CommandError(`--store-${given[0]![0]} is for etcd, and --store names none`, {
      advice: 'For example: --store etcds://10.0.0.1:2379',
    })
  }
  if (Boolean(storeCert) !== Boolean(storeKey)) throw new CommandError('--store-cert and --store-key go together')
  const query = new URLSearchParams(given).toString()
  return `${store.replace(/^etcd:/, 'etcds:')}${store.includes('?') ? '&' : '?'}${query}`
}

/** Several servers may share it, so one has to be elected. */
export const isOnEtcd = ({ store }: Pick<ClusterConfig, 'store'>): boolean => /^etcds?:/.test(store ?? '')
