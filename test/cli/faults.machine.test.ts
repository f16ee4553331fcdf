/** What the command line says when the machine, the data directory or the user's files are not as they should be. */
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../free-port.ts'
import { describeAsRoot } from '../needs-root.ts'
import { CommandHome } from './command-home.ts'

const NOBODY = 65534

let home: CommandHome
beforeEach(() => {
  home = new CommandHome()
})
afterEach(() => home[Symbol.asyncDispose]())

const upOnFreePort = async (...flags: string[]) => home.run(['up', '--port', String(await freePort()), ...flags])

describeAsRoot('holdfast up', () => {
  test('says that its port is taken, and how to find out by whom', async () => {
    await using server = createServer()
    await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))
    const { port } = server.address() as { port: number }
    const { code, error } = await home.run(['up', '--port', String(port)])
    expect(code).toBe(1)
    expect(error).toContain(`error: port ${port} is taken by another program\n`)
    expect(error).toContain(`ss -ltnp 'sport = :${port}'`)
    expect(home.isUntouched).toBe(true)
  })

  test('says that it needs root', async () => {
    const { code, error } = await home.run(['up'], { userId: NOBODY })
    expect(code).toBe(1)
    expect(error).toMatch(/^error: real containers need root, and this is not root\nRun it with sudo\./)
    expect(home.isUntouched).toBe(true)
  })

  test('leaves a broken kubeconfig as it is, and starts nothing', async () => {
    const path = join(home.path, '.kube', 'config')
    mkdirSync(join(home.path, '.kube'))
    writeFileSync(path, '{{{ nonsense\n')
    const { code, error } = await home.run(['up', '--port', String(await freePort())])
    expect(code).toBe(1)
    expect(error).toContain(`error: ${path} is not a kubeconfig: `)
    expect(error).toContain('It was left as it is.')
    expect(readFileSync(path, 'utf8')).toBe('{{{ nonsense\n')
    expect(home.isUntouched).toBe(true)
  })

  test('does not touch the data of a newer version', async () => {
    mkdirSync(join(home.path, 'data'))
    const stamp = join(home.path, 'data', 'cluster.json')
    writeFileSync(stamp, '{"format":1000,"version":"9.0.0"}\n')
    const { code, error } = await home.run(['up', '--port', String(await freePort())])
    expect(code).toBe(1)
    expect(error).toMatch(
      /was written by holdfast 9\.0\.0, which is newer than this \S+\nUse that version, or choose another --data-dir\./,
    )
    expect(readFileSync(stamp, 'utf8')).toBe('{"format":1000,"version":"9.0.0"}\n')
  })

  test('lets one of two at once do the work; the other says who is at it, or finds the cluster up', async () => {
    const port = String(await freePort())
    const both = await Promise.all([home.run(['up', '--port', port]), home.run(['up', '--port', port])])
    const winners = both.filter(({ out }) => /The cluster is up after/.test(out))
    expect(winners).toHaveLength(1)
    const other = both.find(answer => answer !== winners[0])!
    if (other.code === 0) expect(other.out).toContain('The cluster was up already.')
    else expect(other.error).toMatch(/"holdfast up" is at work on \S+ \(process \d+\)\nWait until it is done/)
    expect((await home.run(['status'])).out).toContain('Nothing is wrong.')
  })

  test('names a wrong flag, a wrong value and a wrong command with the nearest right one', async () => {
    expect((await home.run(['up', '--prot', '3'])).error).toContain('Did you mean --port?')
    expect((await home.run(['up', '--port', '99999'])).error).toContain('"99999" must be a port from 1 to 65535')
    expect((await home.run(['up', '--registry-mirror', 'x'])).error).toContain('"x" must be HOST=URL')
    expect((await home.run(['stauts'])).error).toContain('Did you mean status?')
  })

  test('says that the port of the kubelet is taken, and what can be had all the same', async () => {
    await using server = createServer()
    await new Promise<void>(resolve => server.listen(10_250, '0.0.0.0', resolve))
    const { code, error } = await upOnFreePort()
    expect(code).toBe(1)
    expect(error).toContain('error: port 10250, by which this machine is asked for logs and exec, is taken')
    expect(error).toContain('A server that runs no Pods: --no-machine.\n')
    expect(home.isUntouched).toBe(true)
  })

  test('names every program that is missing, and the packages that have them', async () => {
    const programs = join(home.path, 'programs')
    mkdirSync(programs)
    for (const name of ['sh', 'env']) symlinkSync(`/usr/bin/${name}`, join(programs, name))
    const { code, error } = await home.run(['up'], { environment: { PATH: programs } })
    expect(code).toBe(1)
    expect(error).toMatch(/^error: this machine lacks:\n {2}containerd \(runs the containers of Pods\)\n/)
    expect(error).toContain('On Debian or Ubuntu: apt-get install containerd ')
    expect(home.isUntouched).toBe(true)
  })

  test.each([
    [
      'no overlay file system',
      'mount --bind FOLDER/none /proc/filesystems && mount --bind FOLDER/empty /sys/module',
      /^error: the kernel has no overlay file system, which container images need\nLoad it with: modprobe overlay\n/,
    ],
    ['no cgroups', 'mount --bind FOLDER/empty /sys/fs/cgroup', /^error: \/sys\/fs\/cgroup is not mounted/],
  ])('names a kernel with %s', async (_, hide, message) => {
    writeFileSync(join(home.path, 'none'), 'nodev\ttmpfs\n')
    mkdirSync(join(home.path, 'empty'))
    const script = `${hide.replaceAll('FOLDER', home.path)} && exec "$@"`
    const { code, error } = await home.run(['up'], { prefix: ['unshare', '--mount', 'sh', '-c', script, 'sh'] })
    expect(error).toMatch(message)
    expect(code).toBe(1)
    expect(home.isUntouched).toBe(true)
  })

  test("does not touch a directory with other people's files, neither to start nor to purge", async () => {
    mkdirSync(home.dataDir)
    const letter = join(home.dataDir, 'letter.txt')
    writeFileSync(letter, 'Dear Ada')
    const { code, error } = await upOnFreePort()
    expect(code).toBe(1)
    expect(error).toMatch(/^error: \S+ holds files that are not of Holdfast\nNothing was touched\. /)
    expect((await home.run(['down', '--purge'])).out).toBe(`There is no cluster in ${home.dataDir}.\n`)
    expect(readdirSync(home.dataDir)).toEqual(['letter.txt'])
    expect(readFileSync(letter, 'utf8')).toBe('Dear Ada')
    rmSync(home.dataDir, { recursive: true })
  })

  test('keeps the settings of the first time, and says which of them cannot change', { timeout: 90_000 }, async () => {
    const port = String(await freePort())
    expect((await home.run(['up', '--port', port, '--log-level', 'debug'])).code).toBe(0)
    expect((await home.run(['up'])).out).toContain('The cluster was up already.')
    const changed = await home.run(['up', '--log-level', 'warn'])
    expect(changed.error).toBe(
      'error: the cluster is up, and --log-level cannot change while it is\nRun "holdfast down" first; the data stays.\n',
    )
    await home.run(['down'])
    const other = await home.run(['up', '--service-cidr', '10.112.0.0/16'])
    expect(other.error).toMatch(/^error: this cluster was made with another --service-cidr, --cluster-dns\n/)
    expect(home.traces).toEqual([])
    // A variable of the user does not reach past what the flags said.
    const again = await home.run(['up', '--log-level', 'warn', '--port', port], { environment: { HOLDFAST_PORT: '1' } })
    expect(again.out).toContain(`https://127.0.0.1:${port}`)
  })

  test('leaves nothing running and no settings behind when the server cannot start', async () => {
    const { code, error, out } = await upOnFreePort('--store', `etcd://127.0.0.1:${await freePort()}`)
    expect(code).toBe(1)
    expect(out).toContain('✗ Starting the server')
    expect(error).toContain('etcd cannot be reached or does not answer')
    expect(home.traces).toEqual([])
    expect(readdirSync(home.dataDir).sort()).toEqual(['cluster.json', 'logs'])
  })

  test('says what is wrong where nothing is up', async () => {
    const nothing = new RegExp(`^error: no cluster is up in ${home.dataDir}\nStart one with: holdfast up`)
    for (const command of ['status', 'kubeconfig', 'token', 'node stop node1'])
      expect((await home.run(command.split(' '))).error).toMatch(nothing)
    expect((await home.run(['up', '--config', '/nowhere.yaml'])).error).toBe(
      'error: cannot read the settings in /nowhere.yaml: there is no such file\n',
    )
    expect((await home.run(['controllers', '--kubeconfig', '/nowhere'])).error).toContain('there is no such file')
    expect(home.isUntouched).toBe(true)
  })
})
