/** Images that are really pulled, from a registry on this machine. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../free-port.ts'
import { RealCluster } from './real-cluster.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-registry-'))
let registry: ChildProcess
let address: string
let cluster: RealCluster

beforeAll(async () => {
  address = `127.0.0.1:${await freePort()}`
  const config = `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${folder}/data\nhttp:\n  addr: ${address}\n`
  writeFileSync(join(folder, 'config.yml'), config)
  registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  cluster = await RealCluster.up({ images: ['busybox'], flags: ['--registry-mirror', `docker.io=http://${address}`] })
  const ctr = (...args: string[]) => cluster.run('ctr', '-a', cluster.containerdSocket, '-n', 'k8s.io', ...args)
  const image = 'library/busybox:1.28'
  await cluster.until(
    'the registry has it',
    () => ctr('images', 'push', '--plain-http', `${address}/${image}`, `docker.io/${image}`),
    text => text.includes('done'),
  )
  await cluster.holdfast('image', 'rm', 'docker.io/library/busybox:1.28', 'docker.io/library/busybox:1.36')
}, 240_000)
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]()
  registry?.kill()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const messagesOf = (pod: string) =>
  cluster.ask(
    `get events --field-selector involvedObject.name=${pod} -o 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}'`,
  )

test('an image comes from the mirror the first time and is there the second time', { timeout: 90_000 }, async () => {
  await cluster.ask('run first --image busybox:1.28 --restart=Never -- sleep 600')
  await cluster.ask('wait pod/first --for=condition=Ready --timeout=60s')
  const first = await messagesOf('first')
  expect(first).toContain('Pulling: Pulling image "busybox:1.28"\n')
  expect(first).toMatch(/Pulled: Successfully pulled image "busybox:1\.28" in \S+ \(\S+ including waiting\)/)
  await cluster.ask('run second --image busybox:1.28 --restart=Never -- sleep 600')
  await cluster.ask('wait pod/second --for=condition=Ready --timeout=60s')
  expect(await messagesOf('second')).toContain('Pulled: Container image "busybox:1.28" already present on machine\n')
})

test('an image that the registry does not have is named with what the registry said', { timeout: 60_000 }, async () => {
  await cluster.ask('run absent --image busybox:0.1 --restart=Never')
  const messages = await cluster.until(
    'it fails',
    () => messagesOf('absent'),
    text => text.includes('Failed: '),
  )
  expect(messages).toMatch(/Failed to pull image "busybox:0\.1"/)
})
