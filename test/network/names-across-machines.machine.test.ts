import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, expect } from 'vitest'
import { Node, type Pod, type Service } from '../../src/api/core-v1/types.ts'
import type { EndpointSlice } from '../../src/api/discovery-v1/types.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { nodeNetworkFiles } from '../../src/pod-network/node-network-files.ts'
import { podNetwork } from '../../src/pod-network/pod-network.ts'
import { testAsRoot } from '../needs-root.ts'
import { HandFedInformers } from './hand-fed-informers.ts'
import { endpoint, headlessObject, nodeObject, podObject, sliceObject } from './objects.ts'
import { addressOf, type Network, type TestPod, testDirectory, testNetwork, testPod } from './test-machines.ts'

const NAMES = ['a', 'b', 'c']

let stack: AsyncDisposableStack
let network: Network
let folder: string
let stop: AbortController
let running: Promise<void>[]
let servers: ChildProcess[]

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  stop = new AbortController()
  running = []
  servers = []
  network = stack.use(await testNetwork([['a', 'b'], ['c']]))
  folder = stack.use(await testDirectory()).path
  const cluster = new HandFedInformers().sync()
  cluster.set(Node, nodeObject('a', { address: addressOf(0, 0), podCIDR: '10.244.1.0/24' }))
  cluster.set(Node, nodeObject('b', { address: addressOf(0, 1), podCIDR: '10.244.2.0/24' }))
  cluster.set(Node, nodeObject('c', { address: addressOf(1, 0), podCIDR: '10.244.3.0/24' }))
  await Promise.all(NAMES.map(name => startMachine(name, cluster)))
})

afterEach(async () => {
  stop.abort(new Error('test over'))
  await Promise.all(running)
  await stack.disposeAsync()
})

async function startMachine(name: string, informers: HandFedInformers): Promise<void> {
  const machine = network.machines.get(name)!
  const component = podNetwork(
    { informers, commands: machine.commands, files: nodeNetworkFiles, clock: systemClock, logger: silentLogger },
    {
      nodeName: name,
      clusterPodRange: '10.244.0.0/16',
      localAddresses: ['10.96.0.10'],
      cniDirectory: `${folder}/${name}/cni`,
      stateDirectory: `${folder}/${name}/state`,
    },
  )
  running.push(component.run(stop.signal))
  await component.whenReady()
  servers.push(await machine.start(process.execPath, [new URL('dns-of-machine.ts', import.meta.url).pathname]))
}

/** Resolves when every machine's DNS has seen the object. */
async function tellAll(object: Service | EndpointSlice | Pod): Promise<void> {
  await Promise.all(
    servers.map(async ({ stdin, stdout }) => {
      const seen = once(stdout!, 'data')
      stdin!.write(`${JSON.stringify(object)}\n`)
      await seen
    }),
  )
}

async function pod(name: string, on: string): Promise<TestPod> {
  const made = stack.use(await testPod(name, network.machines.get(on)!, `${folder}/${on}/cni/10-holdfast.conflist`))
  await made.machine.answer(name, 8080)
  return made
}

const dig = async (from: TestPod, ...args: string[]): Promise<string> =>
  (await from.machine.commands.run('dig', ['@10.96.0.10', '+short', '+tries=1', '+time=2', ...args])).trim()

testAsRoot(
  'Pods of a headless Service find and reach each other by name, on three machines',
  {
    timeout: 60_000,
  },
  async () => {
    const pods = await Promise.all(NAMES.map((machine, ordinal) => pod(`web-${ordinal}`, machine)))
    await tellAll(headlessObject('web'))
    await tellAll(
      sliceObject(
        'web',
        pods.map(({ address }, ordinal) => endpoint(address, `web-${ordinal}`)),
      ),
    )
    for (const from of pods) {
      for (const [ordinal, to] of pods.entries()) {
        const address = await dig(from, `web-${ordinal}.web.default.svc.cluster.local`)
        expect(address).toBe(to.address)
        if (to !== from) expect(await from.machine.call(address, 8080)).toContain(`web-${ordinal} ${from.address} `)
        expect(await dig(from, '-x', to.address)).toBe(`web-${ordinal}.web.default.svc.cluster.local.`)
      }
      expect((await dig(from, 'SRV', 'web.default.svc.cluster.local')).split('\n')).toHaveLength(3)
    }
  },
)

testAsRoot(
  'a Pod that comes back with another address answers under it at once, everywhere',
  {
    timeout: 60_000,
  },
  async () => {
    const client = await pod('client', 'c')
    await tellAll(headlessObject('web'))
    for (let round = 1; round <= 20; round++) {
      await tellAll(sliceObject('web', []))
      expect(await dig(client, 'web-0.web.default.svc.cluster.local')).toBe('')
      await tellAll(sliceObject('web', [endpoint(`10.244.1.${round}`, 'web-0')]))
      expect(await dig(client, 'web-0.web.default.svc.cluster.local')).toBe(`10.244.1.${round}`)
    }
  },
)

testAsRoot('a container that looks itself up first thing finds itself', { timeout: 60_000 }, async () => {
  const [self, peer] = [await pod('web-0', 'a'), await pod('peer', 'a')]
  await tellAll(headlessObject('web', { spec: { publishNotReadyAddresses: true } }))
  await tellAll(podObject('peer', peer.address))
  await tellAll({ ...podObject('web-0', '', { subdomain: 'web', hostname: 'web-0' }), status: {} })
  const name = 'web-0.web.default.svc.cluster.local'
  expect(await dig(peer, name)).toBe('') // A peer is told that it is not there yet.
  const found = dig(self, name)
  await tellAll(sliceObject('web', [endpoint(self.address, 'web-0', { ready: false })]))
  expect(await found).toBe(self.address)
})
