import { pathToFileURL } from 'node:url'
import type { ClusterConfig } from '../cli/config/settings.ts'
import { dataLayoutOf } from '../cli/host/data-layout.ts'
import { CommandError } from '../cli/terminal.ts'
import { silentLogger } from '../machinery/logger.ts'
import { systemClock as clock } from '../machinery/system-clock.ts'
import type { StoreDriver } from '../store/driver.ts'
import { openStore } from '../store/open-store.ts'

/** `holdfast store verify` */
export async function verifyStore(config: ClusterConfig): Promise<string> {
  return withStore(config, async store => {
    const problems: string[] = []
    for await (const problem of store.verify()) problems.push(problem)
    if (problems.length > 0) {
      throw new CommandError(`the store is not sound:\n${problems.map(problem => `  ${problem}`).join('\n')}`, {
        advice: 'Restore the last backup with: holdfast store restore FILE',
      })
    }
    return `The store is sound at revision ${store.head()}.`
  })
}

/** `holdfast store compact` */
export async function compactStore(config: ClusterConfig): Promise<string> {
  return withStore(config, async store => {
    const head = store.head()
    await store.compact(head)
    return `History before revision ${head} is forgotten.`
  })
}

async function withStore(config: ClusterConfig, act: (store: StoreDriver) => Promise<string>): Promise<string> {
  const url = config.store ?? `lmdb://${pathToFileURL(dataLayoutOf(config.dataDir).store).pathname}`
  let store: StoreDriver
  try {
    store = await openStore(url, { clock, logger: silentLogger })
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause })
  }
  try {
    return await act(store)
  } finally {
    await store.close()
  }
}
