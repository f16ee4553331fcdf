import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const COMMAND = join(import.meta.dirname, '../../bin/holdfast.js')

export interface Answer {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

interface RunOptions {
  readonly userId?: number
  readonly environment?: Readonly<Record<string, string>>
  /** Words before the command: `unshare --mount …`. */
  readonly prefix?: readonly string[]
  /** Called with everything that was printed so far. */
  readonly watch?: (printed: string, child: ChildProcess) => void
}

/** A user's home with a data directory in it, and the command line as that user types it. */
export class CommandHome implements AsyncDisposable {
  readonly path: string
  readonly dataDir: string
  readonly #before: ReadonlySet<string>

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'holdfast-cli-'))
    chmodSync(this.path, 0o755)
    this.dataDir = join(this.path, 'data')
    this.#before = new Set(tracesOnMachine(this.dataDir))
  }

  get isUntouched(): boolean {
    return !existsSync(this.dataDir)
  }

  /** What its commands have left on the machine outside the data directory, in words. */
  get traces(): readonly string[] {
    return tracesOnMachine(this.dataDir).filter(trace => !this.#before.has(trace))
  }

  get kubeconfig(): string {
    const path = join(this.path, '.kube', 'config')
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }

  async run(
    args: readonly string[],
    { userId, environment = {}, prefix = [], watch = () => {} }: RunOptions = {},
  ): Promise<Answer> {
    const { KUBECONFIG: _, ...inherited } = process.env
    const [file, ...rest] = [...prefix, process.execPath, COMMAND, ...args] as [string, ...string[]]
    const child = spawn(file, rest, {
      env: { ...inherited, HOLDFAST_DATA_DIR: this.dataDir, HOME: this.path, CI: 'true', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(userId !== undefined && { uid: userId, gid: userId }),
    })
    const read = { out: '', error: '' }
    const onData = (stream: 'out' | 'error') => (chunk: unknown) => {
      read[stream] += String(chunk)
      watch(read.out + read.error, child)
    }
    child.stdout!.on('data', onData('out'))
    child.stderr!.on('data', onData('error'))
    const code = await new Promise<number | null>(resolve => child.once('close', resolve))
    return { code, ...read }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isUntouched) await this.run(['down', '--purge'])
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** Everything that clusters have on this machine, in words. */
function tracesOnMachine(dataDir: string): readonly string[] {
  const lines = (file: string, ...args: string[]): string[] =>
    execFileSync(file, args, { encoding: 'utf8' }).split('\n').filter(Boolean)
  const processes = readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && pid !== String(process.pid))
  const found = {
    process: processes.map(commandOf).filter(command => command.includes(dataDir)),
    mount: lines('cat', '/proc/self/mounts').filter(line => line.includes(dataDir) || line.includes('/run/holdfast-')),
    namespace: lines('ip', 'netns').filter(name => name.startsWith('holdfast-')),
    link: lines('ip', '-o', 'link').filter(line => / (holdfast|hf-|cni)/.test(line)),
    table: lines('nft', 'list', 'tables').filter(table => table.includes('holdfast')),
    address: lines('ip', '-o', 'address').filter(line => line.includes(' 10.96.0.10/')),
    folder: readdirSync('/run').filter(name => name.startsWith('holdfast-')),
  }
  return Object.entries(found).flatMap(([what, names]) => names.map(name => `${what} ${name}`))
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return '' // It ended while we looked.
  }
}
