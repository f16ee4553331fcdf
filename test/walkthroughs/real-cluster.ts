/** A cluster as a user makes one: the command line, stock kubectl, real containers, images from Debian packages. */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { buildImage } from '../../scripts/images/build-images.ts'
import { RECIPES } from '../../scripts/images/recipes.ts'
import { machineLayoutOf } from '../../src/bin/machine-side/machine-layout.ts'
import { freePort } from '../free-port.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const COMMAND = join(root, 'bin/holdfast.js')
/** Where kubectl runs, so that a test may type `-f nginx-svc.yaml` as a reader does. */
const MANIFESTS = join(import.meta.dirname, 'manifests')
/** How long a command may take before the test calls it stuck. */
const COMMAND_TIMEOUT_MS = 120_000

export interface Output {
  readonly code: number
  readonly out: string
  readonly error: string
}

/** Images of the walkthroughs, built once for each version of their recipes. */
export function imageArchive(id: string): string {
  const folder = join(tmpdir(), 'holdfast-test-images')
  mkdirSync(folder, { recursive: true })
  const recipe = RECIPES.find(candidate => candidate.id === id)
  if (!recipe) throw new Error(`no recipe "${id}"`)
  const path = join(folder, `${id}-${Buffer.from(JSON.stringify(recipe)).length}.tar`)
  if (!existsSync(path)) {
    writeFileSync(`${path}.new`, buildImage(recipe))
    renameSync(`${path}.new`, path)
  }
  return path
}

export class RealCluster implements AsyncDisposable {
  readonly #home: string
  readonly #dataDir: string

  private constructor(home: string) {
    this.#home = home
    this.#dataDir = join(home, 'data')
  }

  static async up({
    nodes = 1,
    images = [],
    flags = [],
  }: {
    nodes?: number
    images?: readonly string[]
    flags?: readonly string[]
  }): Promise<RealCluster> {
    const cluster = new RealCluster(mkdtempSync(join(tmpdir(), 'holdfast-walk-')))
    const up = await cluster.holdfast('up', '--nodes', String(nodes), '--port', String(await freePort()), ...flags)
    if (up.code !== 0) {
      await cluster[Symbol.asyncDispose]()
      throw new Error(`holdfast up failed:\n${up.out}${up.error}`)
    }
    if (images.length > 0) {
      const load = await cluster.holdfast('image', 'load', ...images.map(imageArchive))
      if (load.code !== 0) throw new Error(`images were not loaded:\n${load.out}${load.error}`)
    }
    return cluster
  }

  get dataDir(): string {
    return this.#dataDir
  }

  /** Runs the command line; sub-commands that know a data directory get this cluster's. */
  holdfast(...args: string[]): Promise<Output> {
    return this.#output(process.execPath, [COMMAND, ...args, '--data-dir', this.#dataDir])
  }

  /** Runs stock kubectl and answers what it printed, also when it failed. */
  kubectl(command: string, input?: string): Promise<Output> {
    return this.#output('kubectl', wordsOf(command), input)
  }

  /** Of the machine of a cluster of one. */
  get containerdSocket(): string {
    return machineLayoutOf(join(this.#dataDir, 'machines', 'server')).containerdSocket
  }

  /** Runs any other program of the machine and answers what it printed. */
  async run(program: string, ...args: string[]): Promise<string> {
    return (await this.#output(program, args)).out
  }

  /** Runs kubectl and answers its output; throws when it fails. */
  async ask(command: string, input?: string): Promise<string> {
    const { code, out, error } = await this.kubectl(command, input)
    if (code !== 0) throw new Error(`kubectl ${command}: ${error || out}`)
    return out
  }

  /** Runs a command on a terminal of its own, waits for the prompt, types the lines, and answers what the screen shows. */
  async onTerminal(command: string, { prompt, lines }: { prompt: RegExp; lines: readonly string[] }): Promise<string> {
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: this.#environment,
      cwd: MANIFESTS,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const timer = setTimeout(() => child.kill(), COMMAND_TIMEOUT_MS)
    let screen = ''
    let isTyped = false
    for await (const chunk of child.stdout) {
      screen += String(chunk).replaceAll('\r', '')
      if (isTyped || !prompt.test(screen)) continue
      isTyped = true
      child.stdin.write(lines.map(line => `${line}\n`).join(''))
    }
    clearTimeout(timer)
    return screen
  }

  /**
   * Follows what kubectl prints until a line satisfies the condition; answers all lines up to it. Throws after the time,
   * with what was printed instead.
   */
  async follow(
    command: string,
    isEnough: (lines: readonly string[]) => boolean,
    timeoutMs = COMMAND_TIMEOUT_MS,
  ): Promise<readonly string[]> {
    const child = spawn('kubectl', wordsOf(command), {
      env: this.#environment,
      cwd: MANIFESTS,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const timer = setTimeout(() => child.kill(), timeoutMs)
    const lines: string[] = []
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        lines.push(line)
        if (isEnough(lines)) return lines
      }
      throw new Error(`kubectl ${command} ended or took too long; it printed:\n${lines.join('\n')}`)
    } finally {
      clearTimeout(timer)
      child.kill()
    }
  }

  /** Asks again and again until the answer satisfies the condition. For what no watch tells: the network, files. */
  async until<T>(what: string, ask: () => Promise<T>, isGood: (answer: T) => boolean, timeoutMs = 60_000): Promise<T> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const answer = await ask()
      if (isGood(answer)) return answer
      if (performance.now() > deadline)
        throw new Error(`waited in vain until ${what}; the last answer was: ${JSON.stringify(answer)}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.holdfast('down', '--purge')
    rmSync(this.#home, { recursive: true, force: true })
  }

  get #environment(): NodeJS.ProcessEnv {
    const { KUBECONFIG: _, ...rest } = process.env
    return { ...rest, HOME: this.#home, CI: 'true' }
  }

  async #output(file: string, args: readonly string[], input?: string): Promise<Output> {
    const child = run(file, [...args], {
      env: this.#environment,
      cwd: MANIFESTS,
      timeout: COMMAND_TIMEOUT_MS,
      maxBuffer: 16 * 1024 * 1024,
    })
    child.child.stdin!.end(input ?? '')
    try {
      const { stdout, stderr } = await child
      return { code: 0, out: stdout, error: stderr }
    } catch (failure) {
      const { code, stdout = '', stderr = '' } = failure as { code?: number; stdout?: string; stderr?: string }
      return { code: code ?? -1, out: stdout, error: stderr }
    }
  }
}

/** Words as a shell splits them: quotes keep blanks together. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  )

export const manifest = (name: string): string => readFileSync(join(MANIFESTS, name), 'utf8')
