import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { StoreDriver } from '../../store/driver.ts'
import { carryOut, type StoreOperation } from '../store-operations.ts'

/** A Unix socket, for root alone, by which `holdfast store …` reaches the store of a running server. One line asks, one answers. */
export function serveStore(path: string, store: StoreDriver): AsyncDisposable {
  rmSync(path, { force: true })
  const server = createServer(socket => void answer(socket, store))
  server.listen(path, () => chmodSync(path, 0o600))
  server.on('error', () => {}) // A path that is too long for a socket: the commands then say that the store is in use.
  return {
    async [Symbol.asyncDispose]() {
      await new Promise(resolve => server.close(resolve))
      rmSync(path, { force: true })
    },
  }
}

export interface StoreAnswer {
  readonly text?: string
  readonly error?: string
  readonly advice?: string
}

async function answer(socket: Socket, store: StoreDriver): Promise<void> {
  socket.on('error', () => {}) // Whoever asked has gone.
  for await (const line of createInterface({ input: socket })) {
    const reply: StoreAnswer = await carryOut(JSON.parse(line) as StoreOperation, store).then(
      text => ({ text }),
      (error: Error & { advice?: string }) => ({ error: error.message, ...(error.advice && { advice: error.advice }) }),
    )
    socket.end(`${JSON.stringify(reply)}\n`)
    return
  }
}
