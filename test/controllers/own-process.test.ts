/** `holdfast controllers --kubeconfig FILE`, twice, against a server that knows nothing of them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { StatefulSet } from '../../src/api/apps-v1/types.ts'
import { Lease } from '../../src/api/coordination-v1/types.ts'
import { Namespace, Pod } from '../../src/api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../src/api/kind.ts'
import { apiClient } from '../../src/client/api-client.ts'
import type { Client } from '../../src/client/client.ts'
import { HttpsTransport } from '../../src/client/https-transport.ts'
import { connectionOf, parseKubeconfig } from '../../src/client/kubeconfig.ts'
import { podConditionOf } from '../../src/machinery/pod-state.ts'
import { type RunningServer, startServer } from '../server/running-server.ts'

const COMMAND = join(import.meta.dirname, '../../bin/holdfast.js')
const LEASE = { namespace: 'kube-system', name: 'holdfast-controllers' }
const namespace = 'work'

let running: RunningServer
let transport: HttpsTransport
let client: Client
let start: () => ChildProcess
const processes: ChildProcess[] = []

beforeAll(async () => {
  running = await startServer()
  const kubeconfig = await running.kubeconfigFor('admin', ['system:masters'])
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  transport = new HttpsTransport(connectionOf(parseKubeconfig(readFile(kubeconfig)), { readFile }))
  client = apiClient(transport)
  await client.create(Namespace, { metadata: { name: namespace }, spec: {} })
  start = () => {
    const words = [COMMAND, 'controllers', '--kubeconfig', kubeconfig]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
    processes.push(child)
    return child
  }
}, 60_000)

afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL')
  await transport[Symbol.asyncDispose]()
  await running[Symbol.asyncDispose]()
})

/** The first state of any object of the kind that is as wanted, now or later. */
async function seen<T extends KubernetesObject>(
  kind: Kind<T>,
  place: string,
  isWanted: (object: T) => boolean,
): Promise<T> {
  const stop = new AbortController()
  const options = { namespace: place, signal: stop.signal }
  try {
    const { items, resourceVersion } = await client.list(kind, { namespace: place })
    const present = items.find(isWanted)
    if (present) return present
    for await (const { type, object } of client.watch(kind, { ...options, resourceVersion })) {
      if (type !== 'BOOKMARK' && type !== 'DELETED' && isWanted(object)) return object
    }
    throw new Error(`the watch of ${kind.plural} ended`)
  } finally {
    stop.abort()
  }
}

const createSet = (name: string): Promise<StatefulSet> =>
  client.create(StatefulSet, {
    metadata: { name, namespace },
    spec: {
      serviceName: name,
      selector: { matchLabels: { set: name } },
      template: { metadata: { labels: { set: name } }, spec: { containers: [{ name: 'main', image: 'app:1' }] } },
    },
  })

const holderOf = ({ spec }: Lease): string => spec.holderIdentity ?? ''
const isLease = ({ metadata }: Lease): boolean => metadata.name === LEASE.name
const isPodOf = (name: string) => (pod: Pod) => pod.metadata.labels?.set === name

test('controllers and scheduler work from a process of their own, and go on in another when it is killed', {
  timeout: 60_000,
}, async () => {
  const first = start()
  await createSet('first')
  const isTried = (pod: Pod): boolean => podConditionOf(pod, 'PodScheduled') !== undefined
  const pod = await seen(Pod, namespace, each => isPodOf('first')(each) && isTried(each))
  expect(pod.metadata.name).toBe('first-0')
  expect(podConditionOf(pod, 'PodScheduled')?.message).toBe('no nodes available to schedule pods')
  const leader = holderOf(await client.get(Lease, LEASE))
  expect(leader).not.toBe('')
  // When another one waits, and the leader is killed
  const second = start()
  first.kill('SIGKILL')
  await createSet('second')
  await seen(Pod, namespace, isPodOf('second'))
  // Then the other goes on, does nothing twice, and lets go of the lease when it ends
  const { items } = await client.list(Pod, { namespace })
  expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(['first-0', 'second-0'])
  expect(holderOf(await client.get(Lease, LEASE))).not.toBe(leader)
  second.kill('SIGTERM')
  const [code] = await once(second, 'exit')
  expect(code).toBe(0)
  expect(holderOf(await client.get(Lease, LEASE))).toBe('')
})

test('of two only one leads', { timeout: 60_000 }, async () => {
  const candidates = [start(), start()]
  const lease = await seen(Lease, LEASE.namespace, each => isLease(each) && holderOf(each) !== '')
  await createSet('third')
  await seen(Pod, namespace, isPodOf('third'))
  const now = await client.get(Lease, LEASE)
  expect([holderOf(now), now.spec.leaseTransitions]).toEqual([holderOf(lease), lease.spec.leaseTransitions])
  for (const child of candidates) child.kill('SIGKILL')
})
