import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import type { StoreDriver } from './driver.ts'
import type { EtcdTls } from './etcd/etcd-client.ts'
import { openEtcdStore } from './etcd/etcd-store.ts'
import { openLmdbSnapshot } from './lmdb/lmdb-snapshot.ts'
import { openLmdbStore } from './lmdb/lmdb-store.ts'
import { memoryStore } from './memory/memory-store.ts'
import type { StoreMetrics } from './store-metrics.ts'

export interface OpenStoreDependencies {
  readonly clock: Clock
  readonly logger?: Logger
  readonly metrics?: StoreMetrics
  /** How long old revisions stay readable. Five minutes unless told otherwise. */
  readonly historyMs?: number
  /** Opens an LMDB store beside its owner, to verify it or back it up as it stands. The other drivers need no such care. */
  readonly isReader?: boolean
}

const ETCD_URL =
  /^etcd(?<secure>s?):\/\/(?:(?<name>[^:@/]*):(?<password>[^@/]*)@)?(?<endpoints>[^/?@]+)(?<prefix>\/[^?]*)?(?:\?(?<query>.*))?$/

/**
 * Opens the store that `url` names:
 *
 * - `memory:`
 * - `lmdb:///directory`
 * - `etcd://host:port,host:port/prefix`, or `etcds://` with TLS; with `name:password@` before the hosts to log in, and
 *   with `?ca=FILE&cert=FILE&key=FILE` for an own authority and a client certificate
 */
export async function openStore(url: string, dependencies: OpenStoreDependencies): Promise<StoreDriver> {
  if (url === 'memory:') return memoryStore(dependencies)
  if (url.startsWith('lmdb:///')) {
    const directory = fileURLToPath(`file${url.slice('lmdb'.length)}`)
    return dependencies.isReader ? openLmdbSnapshot(directory) : openLmdbStore({ ...dependencies, directory })
  }
  const etcd = ETCD_URL.exec(url)?.groups
  if (etcd) return openEtcdStore({ ...dependencies, ...etcdAddressOf(etcd) })
  throw new TypeError(`a store is memory:, lmdb:///directory or etcd://host:port/prefix, not ${url}`)
}

interface EtcdAddress {
  readonly endpoints: readonly string[]
  readonly prefix: string
  readonly login?: { readonly name: string; readonly password: string }
  readonly tls?: EtcdTls
}

function etcdAddressOf(parts: Record<string, string | undefined>): EtcdAddress {
  const { secure, name, password, endpoints = '', prefix = '/holdfast', query = '' } = parts
  const files = new URLSearchParams(query)
  return {
    endpoints: endpoints.split(',').map(endpoint => (/:\d+$/.test(endpoint) ? endpoint : `${endpoint}:2379`)),
    prefix: prefix === '/' ? '/holdfast' : prefix.replace(/\/$/, ''),
    ...(name && { login: { name: decodeURIComponent(name), password: decodeURIComponent(password ?? '') } }),
    ...(secure && { tls: tlsOf(files) }),
  }
}

function tlsOf(files: URLSearchParams): EtcdTls {
  const read = (name: string): Record<string, Buffer> => {
    const file = files.get(name)
    return file ? { [name]: readFileSync(file) } : {}
  }
  return { ...read('ca'), ...read('cert'), ...read('key') }
}
