import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** The kernel counts hundredths of a second. */
const TICK_MS = 10

/** A script in a process of its own, alone as it would be in use. It says in one line when it is ready. */
export class MeasuredProcess implements AsyncDisposable {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(script: string, ...parameters: readonly string[]): Promise<MeasuredProcess> {
    const child = spawn(process.execPath, [script, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    process.stdout.write(line)
    return new MeasuredProcess(child)
  }

  /** Processor time of all its threads so far. */
  processorMs(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }

  /** In bytes: all that is resident, and of it what belongs to no file and so cannot be had back. */
  memory(): { readonly resident: number; readonly anonymous: number } {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)![1]) * 1024
    return { resident: bytes('VmRSS'), anonymous: bytes('RssAnon') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.kill()
    await once(this.#child, 'exit')
  }
}
