import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { CommandFailure, type Commands } from '../../machinery/commands.ts'

const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin` // Where nft and friends are, also for users without them on the PATH.

/** Programs of the machine (or network namespace) that this process itself is in. */
export const nodeCommands: Commands = {
  run: (command, args, { input } = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, PATH } })
      const out: Buffer[] = []
      const err: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
      child.stdin.on('error', () => {}) // It ended without reading; its exit code says why.
      child.once('error', cause =>
        reject(new CommandFailure(`cannot run ${command}: ${cause.message}`, { stderr: '' }, { cause })),
      )
      child.once('close', code => {
        const stderr = Buffer.concat(err).toString('utf8')
        if (code === 0) resolve(Buffer.concat(out).toString('utf8'))
        else
          reject(
            new CommandFailure(`${command} ${args.join(' ')}: ${stderr.trim() || `exit code ${code}`}`, {
              exitCode: code ?? -1,
              stderr,
            }),
          )
      })
      child.stdin.end(input ?? '')
    }),

  async *lines(command, args, signal, { input } = {}) {
    if (signal.aborted) return
    const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, PATH } })
    pipeline(input ?? [], child.stdin).catch(() => {}) // It ended without reading everything; that is told below.
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    ended.catch(() => {}) // Awaited below, after the last line.
    const stop = (): void => void child.kill()
    signal.addEventListener('abort', stop, { once: true })
    try {
      yield* createInterface({ input: child.stdout })
      const code = await ended
      if (!signal.aborted) throw new CommandFailure(`${command} ended`, { exitCode: code ?? -1, stderr: '' })
    } finally {
      signal.removeEventListener('abort', stop)
      child.kill()
    }
  },
}
