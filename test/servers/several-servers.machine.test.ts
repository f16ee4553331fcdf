/** Several servers on one etcd: any of them answers, one leads, and losing the leader is soon over. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Deployment } from '../../src/api/apps-v1/types.ts'
import { Lease } from '../../src/api/coordination-v1/types.ts'
import { ConfigMap, Endpoints, Pod } from '../../src/api/core-v1/types.ts'
import { apiClient } from '../../src/client/api-client.ts'
import type { Client } from '../../src/client/client.ts'
import { HttpsTransport } from '../../src/client/https-transport.ts'
import { connectionOf, parseKubeconfig } from '../../src/client/kubeconfig.ts'
import { EtcdServer } from '../../src/store/etcd/etcd-server.ts'
import { freePort } from '../free-port.ts'

const LEADER = { namespace: 'kube-system', name: 'holdfast-leader' }
const START_TIMEOUT_MS = 60_000

interface RunningServer {
  readonly log: () => string
  readonly process: ChildProcess
  readonly transport: HttpsTransport
  readonly client: Client
}

const folder = mkdtempSync(join(tmpdir(), 'holdfast-servers-'))
const servers: RunningServer[] = []
let etcd: EtcdServer

async function startServer(name: string): Promise<RunningServer> {
  const data = join(folder, name)
  const port = await freePort()
  const command = join(import.meta.dirname, '../../bin/holdfast.js')
  const flags = ['--data-dir', data, '--port', String(port), '--no-machine', '--store', `etcd://${etcd.endpoint}/test`]
  const child = spawn(process.execPath, [command, 'server', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  child.stdout.on('data', chunk => lines.push(String(chunk)))
  const kubeconfig = join(data, 'admin.kubeconfig')
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!existsSync(kubeconfig)) {
    if (performance.now() > deadline || child.exitCode !== null) throw new Error(`server ${name} did not start`)
    await new Promise(resolve => setImmediate(resolve))
  }
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  const transport = new HttpsTransport(connectionOf(parseKubeconfig(readFile(kubeconfig)), { readFile }))
  return { process: child, log: () => lines.join(''), transport, client: apiClient(transport) }
}

beforeAll(async () => {
  etcd = await EtcdServer.start()
  servers.push(...(await Promise.all(['a', 'b'].map(startServer))))
}, 120_000)

afterAll(async () => {
  for (const { process: child, transport } of servers) {
    child.kill('SIGKILL')
    await transport[Symbol.asyncDispose]()
  }
  await etcd?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** Resolves with the first state of the Lease that satisfies the condition. */
async function leaderWhen(client: Client, isWanted: (lease: Lease) => boolean): Promise<Lease> {
  const { items, resourceVersion } = await client.list(Lease, { namespace: LEADER.namespace })
  const now = items.find(({ metadata }) => metadata.name === LEADER.name)
  if (now && isWanted(now)) return now
  const signal = AbortSignal.timeout(30_000)
  for await (const { object } of client.watch(Lease, { namespace: LEADER.namespace, resourceVersion, signal })) {
    if (object.metadata.name === LEADER.name && isWanted(object)) return object
  }
  throw new Error('no such leader within half a minute')
}

test('what one server wrote, the other reads at once', async () => {
  const [a, b] = servers as [RunningServer, RunningServer]
  for (let n = 0; n < 20; n++) {
    const [writer, reader] = n % 2 === 0 ? [a, b] : [b, a]
    await writer.client.create(ConfigMap, {
      metadata: { name: `m-${n}`, namespace: 'default' },
      data: { n: String(n) },
    })
    expect((await reader.client.get(ConfigMap, { namespace: 'default', name: `m-${n}` })).data).toEqual({
      n: String(n),
    })
  }
})

/** Resolves when the Service by which Pods find the API has as many ports behind it: each server here has its own. */
async function untilBehindService(client: Client, count: number): Promise<void> {
  const countOf = ({ subsets = [] }: Endpoints): number => subsets.flatMap(({ ports = [] }) => ports).length
  const { items, resourceVersion } = await client.list(Endpoints, { namespace: 'default' })
  if (items.some(one => one.metadata.name === 'kubernetes' && countOf(one) === count)) return
  const signal = AbortSignal.timeout(30_000)
  for await (const { object } of client.watch(Endpoints, { namespace: 'default', resourceVersion, signal })) {
    if (object.metadata.name === 'kubernetes' && countOf(object) === count) return
  }
  throw new Error(`the Service has not come to ${count} servers within half a minute`)
}

test('a server that stops is out of the Service at once, one that starts is in it', { timeout: 90_000 }, async () => {
  const [{ client }] = servers as [RunningServer]
  await untilBehindService(client, 2)
  const third = await startServer('c')
  await untilBehindService(client, 3)
  const ended = new Promise(resolve => third.process.once('exit', resolve))
  third.process.kill('SIGTERM')
  await ended
  await third.transport[Symbol.asyncDispose]()
  await untilBehindService(client, 2)
})

test('when the leader is killed another goes on with its work, and nothing is done twice', {
  timeout: 90_000,
}, async () => {
  const { spec } = await leaderWhen(servers[0]!.client, lease => Boolean(lease.spec.holderIdentity))
  const first = spec.holderIdentity!
  const leader = servers.find(({ log }) => log().includes(`"identity":"${first}","msg":"leading"`))!
  const other = servers.find(server => server !== leader)!
  const labels = { app: 'web' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } }
  await leader.client.create(Deployment, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 4, selector: { matchLabels: labels }, template },
  })
  leader.process.kill('SIGKILL')
  const next = await leaderWhen(
    other.client,
    ({ spec: { holderIdentity } }) => Boolean(holderIdentity) && holderIdentity !== first,
  )
  expect(next.spec.leaseTransitions).toBe((spec.leaseTransitions ?? 0) + 1)
  const { items, resourceVersion } = await other.client.list(Pod, { namespace: 'default', labelSelector: 'app=web' })
  const names = new Set(items.map(({ metadata }) => metadata.name))
  const signal = AbortSignal.timeout(30_000)
  if (names.size < 4) {
    for await (const { object } of other.client.watch(Pod, {
      namespace: 'default',
      labelSelector: 'app=web',
      resourceVersion,
      signal,
    })) {
      if (names.add(object.metadata.name).size === 4) break
    }
  }
  await other.client.patch(
    Deployment,
    { namespace: 'default', name: 'web' },
    { type: 'merge', body: { spec: { paused: true } } },
  )
  const after = await other.client.list(Pod, { namespace: 'default', labelSelector: 'app=web' })
  expect(after.items).toHaveLength(4)
  await untilBehindService(other.client, 1) // The one that was killed could not take itself out.
})
