import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import type { StoreDriver } from './driver.ts'
import type { EtcdTls } from './etcd/etcd-client.ts'
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
 *
 * Only the driver that is asked for is loaded: the one of etcd brings gRPC, which takes a tenth of a second.
 */
export async function openStore(url: string, dependencies: OpenStoreDependencies): Promise<StoreDriver> {
  if (url === 'memory:') return (await import('./memory/memory-store.ts')).memoryStore(dependencies)
  if (url.startsWith('lmdb:///')) {
    const directory = fileURLToPath(`file${url.slice('lmdb'.length)}`)
    if (dependencies.isReader) return (await import('./lmdb/lmdb-snapshot.ts')).openLmdbSnapshot(directory)
    return (await import('./lmdb/lmdb-store.ts')).openLmdbStore({ ...dependencies, directory })
  }
  const etcd = ETCD_URL.exec(url)?.groups
  if (etcd) return (await import('./etcd/etcd-store.ts')).openEtcdStore({ ...dependencies, ...etcdAddressOf(etcd) })
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
