import { fileURLToPath } from 'node:url'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import type { StoreDriver } from './driver.ts'
import { openLmdbStore } from './lmdb/lmdb-store.ts'
import { memoryStore } from './memory/memory-store.ts'
import type { StoreMetrics } from './store-metrics.ts'

export interface OpenStoreDependencies {
  readonly clock: Clock
  readonly logger?: Logger
  readonly metrics?: StoreMetrics
  /** How long old revisions stay readable. Five minutes unless told otherwise. */
  readonly historyMs?: number
}

/** Opens the store that `url` names: `memory:` or `lmdb:///directory`. */
export async function openStore(url: string, dependencies: OpenStoreDependencies): Promise<StoreDriver> {
  if (url === 'memory:') return memoryStore(dependencies)
  if (url.startsWith('lmdb:///'))
    return openLmdbStore({ ...dependencies, directory: fileURLToPath(`file${url.slice('lmdb'.length)}`) })
  throw new TypeError(`a store is memory: or lmdb:///directory, not ${url}`)
}
