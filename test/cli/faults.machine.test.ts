/** What the command line says when the machine, the data directory or the user's files are not as they should be. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../free-port.ts'
import { describeAsRoot } from '../needs-root.ts'

const COMMAND = join(import.meta.dirname, '../../bin/holdfast.js')
const NOBODY = 65534

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'holdfast-cli-'))
  chmodSync(home, 0o755)
})
afterEach(async () => {
  if (existsSync(join(home, 'data'))) await holdfast(['down', '--purge'])
  rmSync(home, { recursive: true, force: true })
})

interface Answer {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

async function holdfast(args: readonly string[], { userId }: { userId?: number } = {}): Promise<Answer> {
  const { KUBECONFIG: _, ...environment } = process.env
  const child = spawn(process.execPath, [COMMAND, ...args, '--data-dir', join(home, 'data')], {
    env: { ...environment, HOME: home, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(userId !== undefined && { uid: userId, gid: userId }),
  })
  const read = { out: '', error: '' }
  child.stdout.on('data', chunk => (read.out += String(chunk)))
  child.stderr.on('data', chunk => (read.error += String(chunk)))
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, ...read }
}

const isUntouched = () => !existsSync(join(home, 'data'))

describeAsRoot('holdfast up', () => {
  test('says that its port is taken, and how to find out by whom', async () => {
    await using server = createServer()
    await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))
    const { port } = server.address() as { port: number }
    const { code, error } = await holdfast(['up', '--port', String(port)])
    expect(code).toBe(1)
    expect(error).toContain(`error: port ${port} is taken by another program\n`)
    expect(error).toContain(`ss -ltnp 'sport = :${port}'`)
    expect(isUntouched()).toBe(true)
  })

  test('says that it needs root', async () => {
    const { code, error } = await holdfast(['up'], { userId: NOBODY })
    expect(code).toBe(1)
    expect(error).toMatch(/^error: real containers need root, and this is not root\nRun it with sudo\./)
    expect(isUntouched()).toBe(true)
  })

  test('leaves a broken kubeconfig as it is, and starts nothing', async () => {
    const path = join(home, '.kube', 'config')
    mkdirSync(join(home, '.kube'))
    writeFileSync(path, '{{{ nonsense\n')
    const { code, error } = await holdfast(['up', '--port', String(await freePort())])
    expect(code).toBe(1)
    expect(error).toContain(`error: ${path} is not a kubeconfig: `)
    expect(error).toContain('It was left as it is.')
    expect(readFileSync(path, 'utf8')).toBe('{{{ nonsense\n')
    expect(isUntouched()).toBe(true)
  })

  test('does not touch the data of a newer version', async () => {
    mkdirSync(join(home, 'data'))
    const stamp = join(home, 'data', 'cluster.json')
    writeFileSync(stamp, '{"format":1000,"version":"9.0.0"}\n')
    const { code, error } = await holdfast(['up', '--port', String(await freePort())])
    expect(code).toBe(1)
    expect(error).toMatch(
      /was written by holdfast 9\.0\.0, which is newer than this \S+\nUse that version, or choose another --data-dir\./,
    )
    expect(readFileSync(stamp, 'utf8')).toBe('{"format":1000,"version":"9.0.0"}\n')
  })

  test('lets one of two at once do the work; the other says who is at it, or finds the cluster up', async () => {
    const port = String(await freePort())
    const both = await Promise.all([holdfast(['up', '--port', port]), holdfast(['up', '--port', port])])
    const winners = both.filter(({ out }) => /The cluster is up after/.test(out))
    expect(winners).toHaveLength(1)
    const other = both.find(answer => answer !== winners[0])!
    if (other.code === 0) expect(other.out).toContain('The cluster was up already.')
    else expect(other.error).toMatch(/"holdfast up" is at work on \S+ \(process \d+\)\nWait until it is done/)
    expect((await holdfast(['status'])).out).toContain('Nothing is wrong.')
  })

  test('names a wrong flag, a wrong value and a wrong command with the nearest right one', async () => {
    expect((await holdfast(['up', '--prot', '3'])).error).toContain('Did you mean --port?')
    expect((await holdfast(['up', '--port', '99999'])).error).toContain('"99999" must be a port from 1 to 65535')
    expect((await holdfast(['up', '--registry-mirror', 'x'])).error).toContain('"x" must be HOST=URL')
    expect((await holdfast(['stauts'])).error).toContain('Did you mean status?')
  })
})
