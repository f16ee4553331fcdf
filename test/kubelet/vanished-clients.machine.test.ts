/** Whoever reaches into a container and is then killed leaves nothing behind: counted in sockets, descriptors and processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readlink } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Pod } from '../../src/api/core-v1/types.ts'
import { listProcesses } from '../../src/kubelet/machine/process-list.ts'
import { kubectlVersions } from '../kubectl-versions.ts'
import { describeAsRoot } from '../needs-root.ts'
import { RealNode } from './real-node.ts'

/** Both protocols: the oldest kubectl speaks SPDY, the newest WebSocket. */
const versions = kubectlVersions()
const BINARIES = [versions[0]!, versions[1]!]
const MARK = '87654'

describeAsRoot('clients that vanish', () => {
  let node: RealNode
  let pod: Pod

  beforeAll(async () => {
    node = await RealNode.start({ subnet: 87, images: ['busybox', 'nginx'] })
    const script = 'trap exit TERM; while true; do echo x; sleep 0.1; done'
    const main = { name: 'main', image: 'busybox:1.36', command: ['sh', '-c', script], stdin: true }
    await node.run('shell', { containers: [main] })
    await node.run('web', { containers: [{ name: 'nginx', image: 'nginx:1.19.2-alpine' }] })
    pod = await node.untilReady('shell')
    await node.untilReady('web')
  }, 120_000)

  afterAll(() => node?.[Symbol.asyncDispose](), 60_000)

  const socketsOf = async (pid: number): Promise<number> => {
    const names = await readdir(`/proc/${pid}/fd`)
    const targets = await Promise.all(names.map(name => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')))
    return targets.filter(target => target.startsWith('socket:')).length
  }

  /** Of containerd, and commands in the container. Our own sockets are those of the test's clients too, so they are counted apart. */
  const remains = async (): Promise<object> => ({
    containerd: await socketsOf(await node.containerdPid()),
    own: process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap' || name === 'FSEventWrap').length,
    commands: listProcesses().filter(({ command }) => command.includes(MARK) && !command.includes('kubectl')).length,
  })

  const start = (binary: string, args: readonly string[]): ChildProcess =>
    spawn(binary, ['--kubeconfig', node.kubeconfig, ...args], { stdio: ['pipe', 'pipe', 'ignore'] })

  async function vanish(child: ChildProcess): Promise<void> {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  describe.each(BINARIES)('%s', binary => {
    test.each([
      ['follows a log', ['logs', '-f', 'shell']],
      ['runs a command that says nothing', ['exec', 'shell', '--', 'sh', '-c', `echo begun; sleep ${MARK}`]],
      ['types into a command', ['exec', '-i', 'shell', '--', 'sh', '-c', `echo begun ${MARK}; cat`]],
      ['runs a command on a terminal', ['exec', '-it', 'shell', '--', 'sh', '-c', `echo begun; sleep ${MARK}`]],
      ['does not read what a command prints', ['exec', 'shell', '--', 'sh', '-c', `echo ${MARK}; cat /dev/zero`]],
      ['is attached with an input', ['attach', '-i', 'shell']],
    ])('who %s', async (_what, args) => {
      const before = await remains()
      const child = start(binary, args)
      await once(child.stdout!, 'data')
      child.stdout!.pause()
      expect(await remains()).not.toEqual(before)
      await vanish(child)
      await expect.poll(remains, { timeout: 15_000, interval: 100 }).toEqual(before)
    })

    test('who forwards a port', async () => {
      const before = await remains()
      const child = start(binary, ['port-forward', 'web', ':80'])
      const [line] = await once(child.stdout!, 'data')
      const socket = createConnection(Number(/127\.0\.0\.1:(\d+)/.exec(String(line))![1]), '127.0.0.1')
      socket.write('GET / HTTP/1.1\r\nHost: web\r\n\r\n')
      await once(socket, 'data')
      await vanish(child)
      socket.destroy()
      await expect.poll(remains, { timeout: 15_000, interval: 100 }).toEqual(before)
    })
  })

  test('a command whose client is gone does not take others with it', async () => {
    const waits = ['sh', '-c', `echo begun; sleep ${MARK}`]
    const first = start(BINARIES[0]!, ['exec', 'shell', '--', ...waits])
    const second = start(BINARIES[0]!, ['exec', 'shell', '--', ...waits])
    await Promise.all([once(first.stdout!, 'data'), once(second.stdout!, 'data')])
    const count = async (): Promise<number> => (await node.exec(pod, 'ps')).split(`sleep ${MARK}\n`).length - 1
    const before = await count()
    await vanish(first)
    await expect.poll(count).toBeLessThan(before)
    expect(second.exitCode).toBeNull()
    await vanish(second)
    await expect.poll(count).toBe(0)
  })
})
