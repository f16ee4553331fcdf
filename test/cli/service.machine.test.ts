/** A server that a service manager runs: stopping and starting it leaves Pods running. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Node, Pod } from '../../src/api/core-v1/types.ts'
import type { Client } from '../../src/client/client.ts'
import { freePort } from '../free-port.ts'
import { MachineRemains } from '../kubelet/machine-remains.ts'
import { describeAsRoot } from '../needs-root.ts'
import { imageArchive } from '../walkthroughs/real-cluster.ts'
import { CommandHome } from './command-home.ts'
import { StartedServer } from './started-server.ts'

let home: CommandHome
beforeEach(() => {
  home = new CommandHome()
})
afterEach(() => home[Symbol.asyncDispose]())

const sleeper = {
  metadata: { namespace: 'default', name: 'sleeper' },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: 'busybox:1.28', command: ['sleep', '3600'] }],
  },
}

/** The first state of the Pod that is ready. */
async function readyPod(client: Client): Promise<Pod> {
  const { items, resourceVersion } = await client.list(Pod, { namespace: 'default' })
  const isReady = (pod: Pod): boolean =>
    pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const now = items.find(isReady)
  if (now) return now
  const signal = AbortSignal.timeout(60_000)
  for await (const { object } of client.watch(Pod, { namespace: 'default', resourceVersion, signal }))
    if (isReady(object)) return object
  throw new Error('the Pod did not become ready within a minute')
}

async function machineIsReady(client: Client): Promise<void> {
  const { items, resourceVersion } = await client.list(Node)
  const isReady = ({ status }: Node): boolean =>
    status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false
  if (items.some(isReady)) return
  const signal = AbortSignal.timeout(60_000)
  for await (const { object } of client.watch(Node, { resourceVersion, signal })) if (isReady(object)) return
  throw new Error('the machine did not become ready within a minute')
}

describeAsRoot('holdfast server', () => {
  test('leaves Pods running when it is stopped, finds them again, and "down" clears up after it', {
    timeout: 120_000,
  }, async () => {
    const remains = new MachineRemains(home.dataDir)
    await using first = await StartedServer.start(home.dataDir)
    await machineIsReady(first.client)
    expect((await home.run(['image', 'load', imageArchive('busybox')])).code).toBe(0)
    await first.client.create(Pod, sleeper)
    const before = await readyPod(first.client)
    const shims = remains.shimPids
    expect(shims).toHaveLength(1)
    expect((await home.run(['status'])).out).toContain('Nothing is wrong.')
    expect((await home.run(['down'])).error).toMatch(
      /^error: a server runs on \S+ that "holdfast up" did not start\nStop it first where it was started/,
    )
    expect(await first.stop()).toBe(0)
    expect(remains.shimPids).toEqual(shims)
    await using second = await StartedServer.start(home.dataDir)
    const after = await readyPod(second.client)
    expect(after.metadata.uid).toBe(before.metadata.uid)
    expect(after.status.containerStatuses![0]!.containerID).toBe(before.status.containerStatuses![0]!.containerID)
    expect(after.status.containerStatuses![0]!.restartCount).toBe(0)
    expect(remains.shimPids).toEqual(shims)
    await second.stop()
    expect((await home.run(['down', '--purge'])).out).toContain('The cluster and its data are gone.\n')
    expect(home.traces).toEqual([])
  })

  test('a second one on the same host is told of the port that both need, and serves without a machine', {
    timeout: 60_000,
  }, async () => {
    await using first = await StartedServer.start(home.dataDir)
    await machineIsReady(first.client)
    const other = new CommandHome()
    const refused = await other.run(['server', '--port', String(await freePort())])
    expect(refused.error).toContain('A server that runs no Pods: --no-machine.\n')
    expect(refused.code).toBe(1)
    await using second = await StartedServer.start(other.dataDir, '--no-machine')
    expect((await second.client.list(Node)).items).toEqual([])
    await second.stop()
    await other[Symbol.asyncDispose]()
  })
})
