import type { Clock } from '../machinery/clock.ts'
import type { StoreDriver } from './driver.ts'
import { memoryStore } from './memory/memory-store.ts'

export interface OpenStoreDependencies {
  readonly clock: Clock
}

/** Opens the store that `url` names: `memory:`. */
export async function openStore(url: string, dependencies: OpenStoreDependencies): Promise<StoreDriver> {
  if (url === 'memory:') return memoryStore(dependencies)
  throw new TypeError(`a store is memory:, not ${url}`)
}
