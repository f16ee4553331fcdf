import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubectlVersions } from '../kubectl-versions.ts'
import { describeAsRoot } from '../needs-root.ts'
import { RealNode } from './real-node.ts'

interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const versions = kubectlVersions()

describeAsRoot('kubectl reaches into containers', () => {
  let node: RealNode

  beforeAll(async () => {
    if (versions.length === 0) throw new Error('kubectl is not on the PATH')
    node = await RealNode.start({ subnet: 82, images: ['busybox', 'nginx'] })
    const script = 'echo hello; echo trouble >&2; trap exit TERM; while true; do sleep 0.1; done'
    await node.run('shell', { containers: [{ name: 'main', image: 'busybox:1.36', command: ['sh', '-c', script] }] })
    await node.run('web', { containers: [{ name: 'nginx', image: 'nginx:1.19.2-alpine' }] })
    await node.untilReady('shell')
    await node.untilReady('web')
  }, 120_000)

  afterAll(async () => {
    await node?.[Symbol.asyncDispose]()
  }, 60_000)

  const start = (binary: string, ...args: readonly string[]): ChildProcess =>
    spawn(binary, ['--kubeconfig', node.kubeconfig, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })

  async function answerOf(child: ChildProcess, input?: string | Buffer): Promise<Answer> {
    const read = { stdout: '', stderr: '' }
    child.stdout?.on('data', chunk => (read.stdout += String(chunk)))
    child.stderr?.on('data', chunk => (read.stderr += String(chunk)))
    child.stdin?.end(input)
    const code = await new Promise<number>(resolve => child.once('close', (ended: number) => resolve(ended)))
    return { code, ...read }
  }

  describe.each(versions)('%s', binary => {
    test('exec gives output, errors and the exit code', async () => {
      const child = start(binary, 'exec', 'shell', '--', 'sh', '-c', 'hostname; echo bad >&2; exit 7')
      expect(await answerOf(child)).toMatchObject({
        code: 7,
        stdout: 'shell\n',
        stderr: expect.stringContaining('bad'),
      })
    })

    test('exec reads standard input to its end, and large output comes whole', async () => {
      const input = randomBytes(3_000_000)
      const answer = await answerOf(start(binary, 'exec', '-i', 'shell', '--', 'md5sum'), input)
      expect(answer.stdout).toContain(createHash('md5').update(input).digest('hex'))
      const long = await answerOf(start(binary, 'exec', 'shell', '--', 'head', '-c', '3000000', '/dev/zero'))
      expect(long.stdout.length).toBe(3_000_000)
    })

    test('files are copied both ways', async () => {
      const file = join(node.directory, 'copied')
      await writeFile(file, randomBytes(200_000))
      await answerOf(start(binary, 'cp', file, 'shell:/tmp/copied'))
      const { code } = await answerOf(start(binary, 'cp', 'shell:/tmp/copied', `${file}.back`))
      expect(code).toBe(0)
      expect((await readFile(`${file}.back`)).equals(await readFile(file))).toBe(true)
    })

    test('port-forward carries requests', async () => {
      const child = start(binary, 'port-forward', 'web', ':80')
      const port = await new Promise<string>((resolve, reject) => {
        child.stdout?.on('data', chunk => {
          const found = /127\.0\.0\.1:(\d+)/.exec(String(chunk))
          if (found) resolve(found[1]!)
        })
        child.once('close', () => reject(new Error('port-forward ended')))
      })
      const answers = await Promise.all(
        [1, 2, 3].map(() => fetch(`http://127.0.0.1:${port}/`).then(answer => answer.text())),
      )
      expect(answers.every(text => text.includes('Welcome to nginx!'))).toBe(true)
      child.kill()
    })
  })

  test('logs are followed until the container ends', async () => {
    const script = 'for i in 1 2 3; do echo line $i; sleep 0.2; done'
    await node.run('talker', {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'busybox:1.36', command: ['sh', '-c', script] }],
    })
    await node.untilReady('talker')
    const { stdout, code } = await answerOf(start(versions[0]!, 'logs', '-f', 'talker'))
    expect({ stdout, code }).toEqual({ stdout: 'line 1\nline 2\nline 3\n', code: 0 })
    const tail = await answerOf(start(versions[0]!, 'logs', 'talker', '--tail=1', '--timestamps'))
    expect(tail.stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line 3\n$/)
  })

  test('logs of a container that never ran before say so', async () => {
    const { stderr } = await answerOf(start(versions[0]!, 'logs', 'shell', '--previous'))
    expect(stderr).toContain('previous terminated container "main" in pod "shell" not found')
  })

  test('a terminal attaches, takes commands, and its Pod is removed when it ends', async () => {
    const kubectl = `kubectl --kubeconfig ${node.kubeconfig} run -it --rm --restart=Never --image busybox:1.36 tty --overrides='{"spec":{"nodeName":"real1"}}' -- sh`
    const child = spawn('script', ['-qec', kubectl, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] })
    let seen = ''
    child.stdout.on('data', chunk => {
      const before = seen
      seen += String(chunk)
      if (!before.includes('# ') && seen.includes('# ')) child.stdin.write('echo ans$((6*7))wer\nexit\n')
    })
    await new Promise(resolve => child.once('close', resolve))
    expect(seen).toContain('ans42wer')
    expect(seen).toContain('pod "tty" deleted')
    await node.untilGone('tty')
  })

  test('who has no terminal attaches to a container that has one, and is told of its end', async () => {
    const overrides = '{"spec":{"nodeName":"real1"}}'
    const command = ['sh', '-c', 'sleep 1; echo ans$((6*7))wer']
    const child = start(
      versions[0]!,
      ...['run', '-it', '--rm', '--restart=Never', '--image=busybox:1.36', `--overrides=${overrides}`, 'no-tty', '--'],
      ...command,
    )
    let seen = ''
    child.stdout?.on('data', chunk => (seen += String(chunk)))
    const code = await new Promise(resolve => child.once('close', resolve)) // Its input stays open: its end would detach.
    expect(seen).toContain('ans42wer')
    expect(code).toBe(0)
    await node.untilGone('no-tty')
  })
})
