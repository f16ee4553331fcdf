import { afterEach, beforeEach, expect } from 'vitest'
import { Node } from '../../src/api/core-v1/types.ts'
import type { Clock } from '../../src/machinery/clock.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { nodeNetworkFiles } from '../../src/pod-network/node-network-files.ts'
import { podNetwork, takeDownPodNetwork } from '../../src/pod-network/pod-network.ts'
import { testAsRoot } from '../needs-root.ts'
import { HandFedInformers } from './hand-fed-informers.ts'
import { nodeObject } from './objects.ts'
import { addressOf, type Network, type TestPod, testDirectory, testNetwork, testPod } from './test-machines.ts'

/** `a` and `b` share a link; `c` is behind a router that knows nothing of Pods. */
const LINKS = [['a', 'b'], ['c']]
const NAMES = ['a', 'b', 'c']

let stack: AsyncDisposableStack
let network: Network
let folder: string
let cluster: HandFedInformers
let stop: AbortController
let running: Promise<void>[]

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  stop = new AbortController()
  running = []
  network = stack.use(await testNetwork(LINKS))
  folder = stack.use(await testDirectory()).path
  cluster = new HandFedInformers().sync()
  cluster.set(Node, nodeObject('a', { address: addressOf(0, 0), podCIDR: '10.244.1.0/24' }))
  cluster.set(Node, nodeObject('b', { address: addressOf(0, 1), podCIDR: '10.244.2.0/24' }))
  cluster.set(Node, nodeObject('c', { address: addressOf(1, 0), podCIDR: '10.244.3.0/24' }))
})

afterEach(async () => {
  stop.abort(new Error('test over'))
  await Promise.all(running)
  await stack.disposeAsync()
})

const configurationOf = (name: string) => ({
  nodeName: name,
  clusterPodRange: '10.244.0.0/16',
  localAddresses: ['10.96.0.10'],
  cniDirectory: `${folder}/${name}/cni`,
  stateDirectory: `${folder}/${name}/state`,
})

const doorsOf = (name: string) => ({ commands: network.machines.get(name)!.commands, files: nodeNetworkFiles })

async function start(name: string, clock = systemClock): Promise<void> {
  const component = podNetwork(
    { ...doorsOf(name), informers: cluster, clock, logger: silentLogger },
    configurationOf(name),
  )
  running.push(component.run(stop.signal))
  await component.whenReady()
}

async function pod(name: string, machine: string, ports: readonly object[] = []): Promise<TestPod> {
  const made = stack.use(
    await testPod(name, network.machines.get(machine)!, `${folder}/${machine}/cni/10-holdfast.conflist`, ports),
  )
  await made.machine.answer(name, 8080)
  return made
}

testAsRoot(
  'Pods reach each other by their own addresses, on one machine, over a link and through the tunnel',
  async () => {
    for (const name of NAMES) await start(name)
    const [a1, a2, b1, c1] = [await pod('a1', 'a'), await pod('a2', 'a'), await pod('b1', 'b'), await pod('c1', 'c')]
    for (const from of [a1, b1, c1]) {
      for (const [name, to] of Object.entries({ a2, b1, c1 })) {
        if (to !== from) expect(await from.machine.call(to.address, 8080)).toContain(`${name} ${from.address} `)
      }
    }
    expect(a1.address).toMatch(/^10\.244\.1\./)
    const mtu = async (subject: TestPod): Promise<string> =>
      (await subject.machine.ip('link show eth0')).match(/mtu (\d+)/)![1]!
    expect([await mtu(a1), await mtu(c1)]).toEqual(['1450', '1450'])
  },
)

testAsRoot('Pods go out under the address of their machine, and to other machines under their own', async () => {
  await start('a')
  await start('b')
  const a1 = await pod('a1', 'a')
  await network.router.answer('outside', 9000)
  await network.machines.get('b')!.answer('b', 9000)
  expect(await a1.machine.call('192.168.78.1', 9000)).toContain(`outside ${addressOf(0, 0)} `)
  expect(await a1.machine.call(addressOf(0, 1), 9000)).toContain(`b ${a1.address} `)
})

testAsRoot('a port of the machine leads into the Pod that asked for it', async () => {
  await start('a')
  await pod('a1', 'a', [{ hostPort: 18_080, containerPort: 8080, protocol: 'tcp' }])
  expect(await network.router.call(addressOf(0, 0), 18_080)).toContain('a1 192.168.77.1 ')
})

testAsRoot('a machine that comes or goes is followed at once', async () => {
  cluster.drop(Node, nodeObject('b', { address: addressOf(0, 1) }))
  await start('a')
  await start('c')
  const a = network.machines.get('a')!
  expect(await a.ip('route show proto 117')).not.toContain('10.244.2.0/24')
  const routes = (): Promise<string> => a.ip('route show proto 117')
  cluster.set(Node, nodeObject('b', { address: addressOf(0, 1), podCIDR: '10.244.2.0/24' }))
  while (!(await routes()).includes(`10.244.2.0/24 via ${addressOf(0, 1)}`));
  cluster.drop(Node, nodeObject('b', { address: addressOf(0, 1) }))
  while ((await routes()).includes('10.244.2.0/24'));
})

testAsRoot('taking it down leaves nothing, and another table survives', async () => {
  const { commands } = doorsOf('a')
  const rules = (): Promise<string> => commands.run('nft', ['list', 'ruleset'])
  const surroundings = async (): Promise<string[]> => [
    await commands.run('ip', ['route']),
    await commands.run('sysctl', ['net.ipv4.ip_forward', 'net.bridge.bridge-nf-call-iptables']),
  ]
  await commands.run('nft', ['-f', '-'], { input: 'add table ip mine\nadd chain ip mine x\n' })
  await commands.run('iptables', ['-t', 'nat', '-N', 'SOMEBODY'])
  const before = await surroundings()
  await start('a')
  const ports = [{ hostPort: 18_080, containerPort: 8080, protocol: 'tcp' }]
  const made = await testPod('a1', network.machines.get('a')!, `${folder}/a/cni/10-holdfast.conflist`, ports)
  expect(await rules()).toMatch(/CNI-HOSTPORT[\s\S]*holdfast_pods/)
  await made[Symbol.asyncDispose]()
  await takeDownPodNetwork(doorsOf('a'), configurationOf('a'))
  expect(await surroundings()).toEqual(before)
  expect(await rules()).not.toMatch(/holdfast|CNI-/)
  expect(await rules()).toMatch(/table ip mine[\s\S]*SOMEBODY/)
  expect(await commands.run('ip', ['-brief', 'link'])).not.toContain('holdfast')
  expect(await commands.run('ip', ['address', 'show', 'lo'])).not.toContain('10.96.0.10')
  expect(await nodeNetworkFiles.list(`${folder}/a/cni`)).toEqual([])
  expect(await nodeNetworkFiles.list(`${folder}/a/state`)).toEqual([])
})

testAsRoot('rules that somebody deleted come back', async () => {
  const looks: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    schedule(delayMs, run) {
      if (delayMs === 10_000) looks.push(run)
      return systemClock.schedule(delayMs, run)
    },
  }
  await start('a', clock)
  const { commands } = doorsOf('a')
  await commands.run('nft', ['delete', 'table', 'ip', 'holdfast_pods'])
  looks.at(-1)!()
  for (let tables = ''; !tables.includes('holdfast_pods'); ) tables = await commands.run('nft', ['list', 'tables'])
})

testAsRoot('another network that is already configured is left alone', async () => {
  await nodeNetworkFiles.write(`${folder}/a/cni/05-other.conflist`, '{}')
  await start('a')
  expect(await nodeNetworkFiles.list(`${folder}/a/cni`)).toEqual(['05-other.conflist'])
  expect(await doorsOf('a').commands.run('nft', ['list', 'tables'])).not.toContain('holdfast')
})
