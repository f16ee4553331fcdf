import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { resolve as absolute } from 'node:path'
import { text } from 'node:stream/consumers'
import type { ClusterConfig } from '../cli/config/settings.ts'
import { storeUrlOf } from '../cli/config/store-url.ts'
import { dataLayoutOf } from '../cli/host/data-layout.ts'
import { CommandError } from '../cli/terminal.ts'
import { silentLogger } from '../machinery/logger.ts'
import { systemClock as clock } from '../machinery/system-clock.ts'
import type { StoreDriver } from '../store/driver.ts'
import { openStore } from '../store/open-store.ts'
import type { StoreAnswer } from './server-side/store-socket.ts'
import { carryOut, type StoreOperation } from './store-operations.ts'

export const verifyStore = (config: ClusterConfig): Promise<string> => onStore(config, { name: 'verify' })
export const compactStore = (config: ClusterConfig): Promise<string> => onStore(config, { name: 'compact' })
export const backupStore = (config: ClusterConfig, file: string): Promise<string> =>
  onStore(config, { name: 'backup', file: absolute(file) })
export const restoreStore = (config: ClusterConfig, file: string): Promise<string> =>
  onStore(config, { name: 'restore', file: absolute(file) })

/** Through the running server where there is one, else on the store itself. */
async function onStore(config: ClusterConfig, operation: StoreOperation): Promise<string> {
  const socket = await connected(dataLayoutOf(config.dataDir).storeSocket)
  if (!socket) return onStoppedStore(config, operation)
  socket.write(`${JSON.stringify(operation)}\n`)
  const answer = JSON.parse(await text(socket)) as StoreAnswer
  if (answer.error !== undefined) throw new CommandError(answer.error, answer.advice ? { advice: answer.advice } : {})
  return answer.text!
}

async function connected(path: string): Promise<Socket | undefined> {
  if (!existsSync(path)) return undefined
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(undefined)) // Left by a server that was killed.
  })
}

async function onStoppedStore(config: ClusterConfig, operation: StoreOperation): Promise<string> {
  const directory = dataLayoutOf(config.dataDir).store
  if (!config.store && !existsSync(directory)) {
    throw new CommandError(`there is no store in ${config.dataDir}`, {
      advice: 'Say which with --data-dir or --store.',
    })
  }
  let store: StoreDriver
  try {
    store = await openStore(storeUrlOf(config, directory), { clock, logger: silentLogger })
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause })
  }
  try {
    return await carryOut(operation, store)
  } finally {
    await store.close()
  }
}
