import { afterEach, beforeEach, expect } from 'vitest'
import { Node, Service } from '../../src/api/core-v1/types.ts'
import { type Endpoint, EndpointSlice } from '../../src/api/discovery-v1/types.ts'
import type { Commands } from '../../src/machinery/commands.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { nodeNetworkFiles } from '../../src/pod-network/node-network-files.ts'
import { podNetwork } from '../../src/pod-network/pod-network.ts'
import type { HealthAnswer } from '../../src/proxy/health-checks.ts'
import { type ServiceProxy, serviceProxy, takeDownServiceProxy } from '../../src/proxy/service-proxy.ts'
import { testAsRoot } from '../needs-root.ts'
import { HandFedInformers } from './hand-fed-informers.ts'
import { nodeObject, serviceObject, sliceObject } from './objects.ts'
import {
  addressOf,
  type Network,
  type TestMachine,
  type TestPod,
  testDirectory,
  testNetwork,
  testPod,
} from './test-machines.ts'

const CLUSTER_ADDRESS = '10.96.1.1'
const NODE_A = addressOf(0, 0)
const NODE_B = addressOf(0, 1)

let stack: AsyncDisposableStack
let network: Network
let cluster: HandFedInformers
let stop: AbortController
let running: Promise<unknown>[]
let proxies: ServiceProxy[]
let healthPorts: Map<string, () => HealthAnswer>
let folder: string

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  stop = new AbortController()
  running = []
  proxies = []
  healthPorts = new Map()
  network = stack.use(await testNetwork([['a', 'b']]))
  folder = stack.use(await testDirectory()).path
  cluster = new HandFedInformers().sync()
  cluster.set(Node, nodeObject('a', { address: NODE_A, podCIDR: '10.244.1.0/24' }))
  cluster.set(Node, nodeObject('b', { address: NODE_B, podCIDR: '10.244.2.0/24' }))
  for (const name of ['a', 'b']) await startMachine(name)
})

afterEach(async () => {
  stop.abort(new Error('test over'))
  await Promise.all(running)
  await stack.disposeAsync()
})

const machine = (name: string): TestMachine => network.machines.get(name)!

async function startMachine(name: string): Promise<void> {
  const common = { informers: cluster, commands: machine(name).commands, clock: systemClock, logger: silentLogger }
  const pods = podNetwork(
    { ...common, files: nodeNetworkFiles },
    {
      nodeName: name,
      clusterPodRange: '10.244.0.0/16',
      localAddresses: ['10.96.0.10'],
      cniDirectory: `${folder}/${name}/cni`,
      stateDirectory: `${folder}/${name}/state`,
    },
  )
  const health = {
    listen: async (port: number, answer: () => HealthAnswer) => {
      healthPorts.set(`${name}:${port}`, answer)
      return { [Symbol.asyncDispose]: async () => void healthPorts.delete(`${name}:${port}`) }
    },
  }
  const proxy = serviceProxy(
    { ...common, health },
    { nodeName: name, clusterPodRange: '10.244.0.0/16', serviceRange: '10.96.0.0/12' },
  )
  running.push(pods.run(stop.signal), proxy.run(stop.signal))
  proxies.push(proxy)
  await pods.whenReady()
}

const programmed = (): Promise<unknown> => Promise.all(proxies.map(proxy => proxy.whenProgrammed()))

async function pod(name: string, on: string): Promise<TestPod> {
  const made = stack.use(await testPod(name, machine(on), `${folder}/${on}/cni/10-holdfast.conflist`))
  await made.machine.answer(name, 8080)
  return made
}

const at = (subject: TestPod, nodeName: string, conditions: Endpoint['conditions'] = { ready: true }): Endpoint => ({
  addresses: [subject.address],
  nodeName,
  conditions,
})

/** The Service `web` with its endpoints, in the kernels of both machines when this resolves. */
async function serve(
  spec: Partial<Service['spec']>,
  endpoints: readonly Endpoint[],
  status: Service['status'] = {},
): Promise<void> {
  const ports = [{ name: 'web', port: 80, protocol: 'TCP' as const }]
  cluster.set(Service, serviceObject('web', { spec: { clusterIP: CLUSTER_ADDRESS, ports, ...spec }, status }))
  cluster.set(
    EndpointSlice,
    sliceObject('web', endpoints, {
      ports: (spec.ports ?? ports).map(({ name, protocol = 'TCP' }) => ({ name: name!, protocol, port: 8080 })),
    }),
  )
  await programmed()
}

/** Who answers, and whom they saw calling, over so many calls. */
async function callers(call: () => Promise<string>, count = 12): Promise<{ who: string[]; seen: string[] }> {
  const answers = (await Promise.all(Array.from({ length: count }, call))).map(answer => answer.split(' '))
  const distinct = (index: number): string[] => [...new Set(answers.map(parts => parts[index]!))].sort()
  return { who: distinct(0), seen: distinct(1) }
}

testAsRoot('a cluster address spreads over the ready Pods of all machines, for Pods and machines alike', async () => {
  const [a1, a2, b1, client] = [
    await pod('a1', 'a'),
    await pod('a2', 'a'),
    await pod('b1', 'b'),
    await pod('client', 'a'),
  ]
  await serve({}, [at(a1, 'a'), at(b1, 'b'), at(a2, 'a', { ready: false })])
  const fromPod = await callers(() => client.machine.call(CLUSTER_ADDRESS, 80), 24)
  expect(fromPod).toEqual({ who: ['a1', 'b1'], seen: [client.address] })
  expect((await callers(() => machine('b').call(CLUSTER_ADDRESS, 80), 24)).who).toEqual(['a1', 'b1'])
  await serve({}, [at(a1, 'a'), at(b1, 'b'), at(a2, 'a')])
  expect((await callers(() => client.machine.call(CLUSTER_ADDRESS, 80), 40)).who).toEqual(['a1', 'a2', 'b1'])
})

testAsRoot('a Pod reaches itself through its Service', async () => {
  const a1 = await pod('a1', 'a')
  await serve({}, [at(a1, 'a')])
  expect((await callers(() => a1.machine.call(CLUSTER_ADDRESS, 80), 4)).who).toEqual(['a1'])
})

testAsRoot('several ports and protocols, each where it belongs', async () => {
  const [a1, client] = [await pod('a1', 'a'), await pod('client', 'b')]
  const ports = [
    { name: 'tcp', port: 80 },
    { name: 'udp', port: 53, protocol: 'UDP' as const },
    { name: 'sctp', port: 99, protocol: 'SCTP' as const },
  ]
  await serve({ ports }, [at(a1, 'a')])
  expect(await client.machine.call(CLUSTER_ADDRESS, 80)).toContain('a1')
  expect(await client.machine.callUdp(CLUSTER_ADDRESS, 53)).toContain('a1')
  expect(await machine('a').commands.run('nft', ['list', 'map', 'ip', 'holdfast', 'services'])).toContain(
    '10.96.1.1 . sctp . 99',
  )
})

testAsRoot('no endpoint, no such port and no such Service are refused at once', async () => {
  const client = await pod('client', 'a')
  await serve({ type: 'NodePort', ports: [{ name: 'web', port: 80, nodePort: 30_080 }] }, [])
  for (const from of [client.machine, machine('a')]) {
    await expect(from.call(CLUSTER_ADDRESS, 80)).rejects.toThrow(/Connection refused/)
    await expect(from.call(CLUSTER_ADDRESS, 81)).rejects.toThrow(/Connection refused/)
    await expect(from.call('10.96.200.200', 80)).rejects.toThrow(/Connection refused/)
  }
  await expect(network.router.call(NODE_A, 30_080)).rejects.toThrow(/Connection refused/)
})

testAsRoot('a node port is open at every machine, wherever the Pod runs', async () => {
  const b1 = await pod('b1', 'b')
  await serve({ type: 'NodePort', ports: [{ name: 'web', port: 80, nodePort: 30_080 }] }, [at(b1, 'b')])
  expect(await network.router.call(NODE_A, 30_080)).toContain('b1')
  expect(await network.router.call(NODE_B, 30_080)).toContain('b1')
})

testAsRoot(
  'with the external policy Local the client stays visible, and machines without a Pod do not answer',
  async () => {
    const [b1, client] = [await pod('b1', 'b'), await pod('client', 'a')]
    await serve(
      {
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 31_000,
        ports: [{ name: 'web', port: 80, nodePort: 30_080 }],
      },
      [at(b1, 'b')],
    )
    expect(await network.router.call(NODE_B, 30_080)).toContain('b1 192.168.77.1 ')
    await expect(network.router.call(NODE_A, 30_080)).rejects.toThrow()
    expect(await client.machine.call(NODE_A, 30_080)).toContain('b1') // Inside the cluster it is short-cut.
    const health = (name: string): HealthAnswer => healthPorts.get(`${name}:31000`)!()
    expect([health('a').status, health('b').status]).toEqual([503, 200])
    expect(JSON.parse(health('b').body)).toMatchObject({
      service: { namespace: 'default', name: 'web' },
      localEndpoints: 1,
    })
  },
)

testAsRoot('with the internal policy Local only Pods of the same machine answer', async () => {
  const [a1, b1, client] = [await pod('a1', 'a'), await pod('b1', 'b'), await pod('client', 'a')]
  await serve({ internalTrafficPolicy: 'Local' }, [at(a1, 'a'), at(b1, 'b')])
  expect((await callers(() => client.machine.call(CLUSTER_ADDRESS, 80))).who).toEqual(['a1'])
  await serve({ internalTrafficPolicy: 'Local' }, [at(b1, 'b')])
  await expect(client.machine.call(CLUSTER_ADDRESS, 80)).rejects.toThrow(/Connection refused/)
})

testAsRoot('external addresses and those of a load balancer lead in, the latter only from its ranges', async () => {
  const b1 = await pod('b1', 'b')
  await network.router.ip(`route add 203.0.113.0/24 via ${NODE_A}`)
  await serve(
    { type: 'LoadBalancer', externalIPs: ['203.0.113.5'], loadBalancerSourceRanges: ['192.168.77.0/24'] },
    [at(b1, 'b')],
    { loadBalancer: { ingress: [{ ip: '203.0.113.6' }] } },
  )
  expect(await network.router.call('203.0.113.5', 80)).toContain('b1')
  expect(await network.router.call('203.0.113.6', 80)).toContain('b1')
  await serve({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.9.0.0/16'] }, [at(b1, 'b')], {
    loadBalancer: { ingress: [{ ip: '203.0.113.6' }] },
  })
  await expect(network.router.call('203.0.113.6', 80)).rejects.toThrow()
})

testAsRoot(
  'with session affinity a client stays with its Pod while that is there, also when others come and go',
  async () => {
    const [a1, a2, b1, client] = [
      await pod('a1', 'a'),
      await pod('a2', 'a'),
      await pod('b1', 'b'),
      await pod('client', 'a'),
    ]
    const pods = [at(a1, 'a'), at(a2, 'a'), at(b1, 'b')]
    await serve({ sessionAffinity: 'ClientIP' }, pods)
    const [chosen, ...more] = (await callers(() => client.machine.call(CLUSTER_ADDRESS, 80), 10)).who
    expect(more.length).toBeLessThanOrEqual(2) // Calls at the same time may choose before the first choice is known.
    const settled = (await callers(() => client.machine.call(CLUSTER_ADDRESS, 80), 10)).who
    expect([chosen, ...more]).toContain(settled[0])
    const name = settled[0]!
    const other = name === 'b1' ? 'a1' : 'b1'
    await serve(
      { sessionAffinity: 'ClientIP' },
      pods.filter(({ addresses }) => addresses[0] !== { a1, a2, b1 }[other].address),
    )
    expect((await callers(() => client.machine.call(CLUSTER_ADDRESS, 80), 5)).who).toContain(name)
    await serve(
      { sessionAffinity: 'ClientIP' },
      pods.filter(({ addresses }) => addresses[0] !== { a1, a2, b1 }[name as 'a1'].address),
    )
    expect((await callers(() => client.machine.call(CLUSTER_ADDRESS, 80), 5)).who).not.toContain(name)
  },
)

testAsRoot('Pods that end still serve when there is no other', async () => {
  const [a1, b1, client] = [await pod('a1', 'a'), await pod('b1', 'b'), await pod('client', 'a')]
  const ending = { ready: false, serving: true, terminating: true }
  await serve({}, [at(a1, 'a', ending), at(b1, 'b')])
  expect((await callers(() => client.machine.call(CLUSTER_ADDRESS, 80))).who).toEqual(['b1'])
  await serve({}, [at(a1, 'a', ending)])
  expect((await callers(() => client.machine.call(CLUSTER_ADDRESS, 80))).who).toEqual(['a1'])
})

testAsRoot('a UDP client is led to another Pod when its own is gone', async () => {
  const [a1, b1, client] = [await pod('a1', 'a'), await pod('b1', 'b'), await pod('client', 'a')]
  const ports = [{ name: 'udp', port: 53, protocol: 'UDP' as const }]
  await serve({ ports }, [at(a1, 'a')])
  // One socket, so one flow: it asks once for each line that it is fed, and prints what comes back.
  const script = `const s=require('dgram').createSocket('udp4');s.on('message',m=>console.log(String(m).trim()));s.connect(53,'${CLUSTER_ADDRESS}',()=>setInterval(()=>s.send('x'),20))`
  const flow = await client.machine.start(process.execPath, ['-e', script])
  await serve({ ports }, [at(b1, 'b')])
  await new Promise<void>(resolve => flow.stdout!.on('data', text => String(text).includes('b1') && resolve()))
})

testAsRoot('rules deleted behind our back come back, and those of others are never touched', async () => {
  const [b1, client] = [await pod('b1', 'b'), await pod('client', 'a')]
  const { commands } = machine('a')
  await commands.run('nft', ['-f', '-'], {
    input: 'add table ip mine\nadd chain ip mine x\nadd rule ip mine x counter\n',
  })
  await serve({}, [at(b1, 'b')])
  const damages = [
    ['delete', 'table', 'ip', 'holdfast'],
    ['flush', 'map', 'ip', 'holdfast', 'services'],
    ['flush', 'chain', 'ip', 'holdfast', 'route'],
    ['flush', 'ruleset'],
  ]
  for (const damage of damages) {
    const writtenBefore = await stampOf(commands)
    await commands.run('nft', damage)
    for (let stamp = writtenBefore; stamp === undefined || stamp === writtenBefore; ) stamp = await stampOf(commands)
    expect(await client.machine.call(CLUSTER_ADDRESS, 80)).toContain('b1')
  }
  await commands.run('nft', ['-f', '-'], { input: 'add table ip mine\nadd chain ip mine x\n' })
  await takeDownServiceProxy({ commands })
  expect(await commands.run('nft', ['list', 'tables'])).toContain('table ip mine')
})

/** What the proxy's last change left in its table; undefined while it is gone. */
const stampOf = async (commands: Commands): Promise<string | undefined> =>
  /elements = .*/.exec(await commands.run('nft', ['list', 'set', 'ip', 'holdfast', 'stamp']).catch(() => ''))?.[0]

testAsRoot('while Pods are replaced one by one, not one request fails', async () => {
  const client = await pod('client', 'a')
  let current = [await pod('p1', 'a'), await pod('p2', 'b')]
  const endpoints = (): Endpoint[] => current.map((subject, index) => at(subject, index === 0 ? 'a' : 'b'))
  await serve({}, endpoints())
  let [isOver, answered] = [false, 0]
  const requests = Array.from({ length: 3 }, async () => {
    while (!isOver) {
      await client.machine.call(CLUSTER_ADDRESS, 80)
      answered++
    }
  })
  for (let round = 0; round < 4; round++) {
    const leaving = current[round % 2]!
    const fresh = await pod(`n${round}`, round % 2 === 0 ? 'a' : 'b')
    current = current.map(subject => (subject === leaving ? fresh : subject))
    // The old one is out of the rules before it ends, as a preStop hook gives time for.
    await serve({}, endpoints())
  }
  isOver = true
  await Promise.all(requests)
  expect(answered).toBeGreaterThan(20)
})
