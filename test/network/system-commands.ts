import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { CommandFailure, type Commands } from '../../src/machinery/commands.ts'

/**
 * Programs of the machine that this process runs on. `prefix` goes before each of them: `nsenter --net=/run/netns/node1`
 * leads into the network of another machine on the same host.
 */
export function systemCommands({ prefix = [] }: { readonly prefix?: readonly string[] } = {}): Commands {
  const start = (command: string, args: readonly string[], stdin: 'pipe' | 'ignore'): ChildProcess => {
    const [program, ...rest] = [...prefix, command, ...args]
    return spawn(program!, rest, { stdio: [stdin, 'pipe', 'pipe'] })
  }
  return {
    async run(command, args, { input } = {}) {
      const child = start(command, args, input === undefined ? 'ignore' : 'pipe')
      child.stdin?.on('error', () => {}) // It ended without reading everything; its exit code says why.
      child.stdin?.end(input)
      const [stdout, stderr, ending] = await Promise.all([text(child.stdout!), text(child.stderr!), endOf(child)])
      if (ending.exitCode !== 0) throw failureOf(command, { ...ending, stderr })
      return stdout
    },
    async *lines(command, args, signal, { input } = {}) {
      const child = start(command, args, input ? 'pipe' : 'ignore')
      if (input) pipeline(input, child.stdin!).catch(() => {}) // It ended without reading everything.
      const ended = endOf(child)
      const errors = text(child.stderr!)
      const stop = (): void => void child.kill('SIGKILL')
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
      try {
        yield* createInterface({ input: child.stdout!, crlfDelay: Number.POSITIVE_INFINITY })
        const [ending, stderr] = await Promise.all([ended, errors])
        if (!signal.aborted) throw failureOf(command, { ...ending, stderr })
      } finally {
        signal.removeEventListener('abort', stop)
        stop()
      }
    },
  }
}

interface Ending {
  readonly exitCode?: number
  readonly cause?: Error
}

const endOf = (child: ChildProcess): Promise<Ending> =>
  new Promise(resolve => {
    child.on('error', cause => resolve({ cause }))
    child.on('close', code => resolve({ exitCode: code ?? -1 }))
  })

function failureOf(command: string, { exitCode, cause, stderr }: Ending & { stderr: string }): CommandFailure {
  const outcome = { stderr, ...(exitCode !== undefined && { exitCode }) }
  const why = cause ? `could not be started: ${cause.message}` : `ended with ${exitCode}: ${stderr.trim()}`
  return new CommandFailure(`${command} ${why}`, outcome, { cause })
}
