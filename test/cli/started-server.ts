import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { apiClient } from '../../src/client/api-client.ts'
import type { Client } from '../../src/client/client.ts'
import { HttpsTransport } from '../../src/client/https-transport.ts'
import { connectionOf, parseKubeconfig } from '../../src/client/kubeconfig.ts'
import { freePort } from '../free-port.ts'

const COMMAND = join(import.meta.dirname, '../../bin/holdfast.js')
const START_MS_MAX = 60_000

/** `holdfast server` in the foreground, as a service manager runs it. */
export class StartedServer implements AsyncDisposable {
  readonly client: Client
  readonly #process: ChildProcess
  readonly #transport: HttpsTransport

  private constructor(process: ChildProcess, transport: HttpsTransport) {
    this.#process = process
    this.#transport = transport
    this.client = apiClient(transport)
  }

  /** Resolves once it serves. Throws with its output when it ends before. */
  static async start(dataDir: string, ...flags: readonly string[]): Promise<StartedServer> {
    const kubeconfig = join(dataDir, 'admin.kubeconfig')
    rmSync(kubeconfig, { force: true })
    const args = [COMMAND, 'server', '--data-dir', dataDir, '--port', String(await freePort()), ...flags]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    try {
      await untilServed(child, kubeconfig)
      const readFile = (path: string): string => readFileSync(path, 'utf8')
      const connection = connectionOf(parseKubeconfig(readFile(kubeconfig)), { readFile })
      return new StartedServer(child, new HttpsTransport(connection))
    } catch (error) {
      child.kill('SIGTERM') // Nobody else knows of it.
      throw error
    }
  }

  /** As `systemctl stop` does. Resolves with the exit code. */
  async stop(): Promise<number | null> {
    const { exitCode } = this.#process
    if (exitCode !== null) return exitCode
    this.#process.kill('SIGTERM')
    await once(this.#process, 'exit')
    return this.#process.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]()
    await this.stop()
  }
}

async function untilServed(child: ChildProcess, kubeconfig: string): Promise<void> {
  let printed = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', chunk => (printed += String(chunk)))
  const deadline = performance.now() + START_MS_MAX
  while (!existsSync(kubeconfig)) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`no server:\n${printed}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}
