/** Ctrl-C at every stage of `up` and `down`: nothing half-made is left, and the next command goes on. */
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../free-port.ts'
import { describeAsRoot } from '../needs-root.ts'
import { CommandHome } from './command-home.ts'

let home: CommandHome
beforeEach(() => {
  home = new CommandHome()
})
afterEach(() => home[Symbol.asyncDispose]())

/** Sends the signal once the text was printed. */
function signalAfter(text: string, signal: NodeJS.Signals = 'SIGINT') {
  let isSent = false
  return (printed: string, child: ChildProcess): void => {
    if (isSent || !printed.includes(text)) return
    isSent = true
    child.kill(signal)
  }
}

const up = async (...flags: string[]) => ['up', '--port', String(await freePort()), ...flags]

describeAsRoot('Ctrl-C', () => {
  test.each([
    ['the server is started', [], '✓ Starting the server'],
    ['the kubeconfig is written', [], '✓ Writing the kubeconfig'],
    ['the server of several machines is started', ['--nodes', '2'], '✓ Starting the server'],
    ['the machines are started', ['--nodes', '2'], '✓ Starting 2 machines'],
  ])('in the first "up" once %s leaves nothing', { timeout: 60_000 }, async (_, flags, text) => {
    const { code, error, out } = await home.run(await up(...flags), { watch: signalAfter(text) })
    expect(out).toContain('✗ ')
    expect(error).toBe('error: interrupted, so everything that was started is stopped again\nNothing is left of it.\n')
    expect(code).toBe(130)
    expect(home.isUntouched).toBe(true)
    expect(home.kubeconfig).not.toContain('holdfast')
    expect(home.traces).toEqual([])
  })

  test('while the server is being started leaves nothing', { timeout: 60_000 }, async () => {
    const args = await up()
    const record = join(home.dataDir, 'run', 'server.json')
    const ended = home.run(args, {
      watch: () => {},
      prefix: ['sh', '-c', `"$@" & until [ -e ${record} ]; do :; done; kill -INT $!; wait $!`, 'sh'],
    })
    const { code, error } = await ended
    expect(error).toContain('error: interrupted, so everything that was started is stopped again\n')
    expect(code).toBe(130)
    expect(home.isUntouched).toBe(true)
    expect(home.traces).toEqual([])
  })

  test('in an "up" that continues with data keeps the data', { timeout: 90_000 }, async () => {
    await home.run(await up())
    await home.run(['down'])
    const again = await home.run(['up'], { watch: signalAfter('✓ Starting the server') })
    expect(again.error).toContain(`The data in ${home.dataDir} is as it was.\n`)
    expect(home.traces).toEqual([])
    const last = await home.run(['up'])
    expect(last.out).toMatch(/The cluster is up after/)
    expect((await home.run(['status'])).out).toContain('Nothing is wrong.')
  })

  test('in "down" lets it come to its end', { timeout: 90_000 }, async () => {
    await home.run(await up('--nodes', '2'))
    const { code, error, out } = await home.run(['down', '--purge'], { watch: signalAfter('✓ Stopping the processes') })
    expect(error).toBe(
      'Going on to the end, so that nothing is left half stopped. Ctrl-C once more ends this at once.\n',
    )
    expect(out).toContain('The cluster and its data are gone.\n')
    expect(code).toBe(0)
    expect(home.isUntouched).toBe(true)
    expect(home.traces).toEqual([])
  })

  test.each(['✓ Stopping the processes', '✓ Removing containers'])(
    'even a "down" that is killed after "%s" is finished by the next one',
    { timeout: 90_000 },
    async text => {
      await home.run(await up('--nodes', '2'))
      await home.run(['down', '--purge'], { watch: signalAfter(text, 'SIGKILL') })
      const { out } = await home.run(['down', '--purge'])
      expect(out).toMatch(/The cluster and its data are gone\.\n$|^There is no cluster in /)
      expect(home.isUntouched).toBe(true)
      expect(home.traces).toEqual([])
    },
  )

  test('an "up" that was killed is finished by the next one', { timeout: 90_000 }, async () => {
    const args = await up('--nodes', '2')
    await home.run(args, { watch: signalAfter('✓ Starting 2 machines', 'SIGKILL') })
    expect(existsSync(home.dataDir)).toBe(true)
    const { code, out } = await home.run(args)
    expect(out).toContain('The cluster was up already.')
    expect(code).toBe(0)
    expect((await home.run(['status'])).out).toContain('Nothing is wrong.')
  })
})
