import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../machinery/system-clock.ts'

const START_MS_MAX = 20_000

export interface EtcdServerOptions {
  /** Files, in PEM. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** An etcd of its own for a test, on loopback and in a directory that goes with it. */
export class EtcdServer implements AsyncDisposable {
  readonly endpoint: string
  readonly #directory: string
  readonly #peerPort: number
  readonly #options: EtcdServerOptions
  #process: ChildProcess | undefined

  private constructor(directory: string, ports: { client: number; peer: number }, options: EtcdServerOptions) {
    this.#directory = directory
    this.endpoint = `127.0.0.1:${ports.client}`
    this.#peerPort = ports.peer
    this.#options = options
  }

  static async start(options: EtcdServerOptions = {}): Promise<EtcdServer> {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-etcd-'))
    const [client, peer] = await Promise.all([freePort(), freePort()])
    const server = new EtcdServer(directory, { client, peer }, options)
    await server.resume()
    return server
  }

  /** Ends the process at once, as a crash would. */
  async kill(): Promise<void> {
    if (!this.#process) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
    this.#process = undefined
  }

  /** Starts it again, with the data it had. Resolves once it answers. */
  async resume(): Promise<void> {
    const { tls } = this.#options
    const scheme = tls ? 'https' : 'http'
    const peers = `http://127.0.0.1:${this.#peerPort}`
    const flags = {
      'data-dir': join(this.#directory, 'data'),
      'listen-client-urls': `${scheme}://${this.endpoint}`,
      'advertise-client-urls': `${scheme}://${this.endpoint}`,
      'listen-peer-urls': peers,
      'initial-advertise-peer-urls': peers,
      'initial-cluster': `default=${peers}`,
      'max-request-bytes': String(8 * 1024 * 1024),
      ...(tls && { 'cert-file': tls.cert, 'key-file': tls.key }),
    }
    const parameters = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])
    this.#process = spawn('etcd', parameters, { stdio: 'ignore' })
    await untilListening(this.endpoint)
  }

  /** Makes it refuse everyone but root. */
  requireLogin(password: string, ca: string): void {
    const connection = ['--endpoints', `https://${this.endpoint}`, '--cacert', ca]
    const control = (...words: string[]): void =>
      void execFileSync('etcdctl', [...connection, ...words], { env: { ETCDCTL_API: '3' }, stdio: 'ignore' })
    control('user', 'add', `root:${password}`)
    control('role', 'add', 'root')
    control('user', 'grant-role', 'root', 'root')
    control('auth', 'enable')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Before it has a leader it lets calls wait, so that it listens is enough. */
async function untilListening(endpoint: string): Promise<void> {
  const [host, port] = endpoint.split(':')
  const giveUp = AbortSignal.timeout(START_MS_MAX)
  for (;;) {
    giveUp.throwIfAborted()
    const socket = connect({ host: host!, port: Number(port) })
    const isListening = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isListening) return
    await systemClock.sleep(20)
  }
}
